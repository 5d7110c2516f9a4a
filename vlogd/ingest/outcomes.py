"""What became of a file in an inbox, as the arrival thread tells it."""

from dataclasses import dataclass
from pathlib import Path

from vlogd.core.model import Item


@dataclass(frozen=True)
class Accepted:
    """The file is an item now."""

    path: Path
    item: Item


@dataclass(frozen=True)
class Duplicate:
    """The same bytes were accepted before; the copy was removed."""

    path: Path
    item: Item


@dataclass(frozen=True)
class Failed:
    """The file is no video; it lies at `moved_to` with a note beside it."""

    path: Path
    sentence: str
    moved_to: Path


@dataclass(frozen=True)
class Left:
    """The file stays where it is."""

    path: Path
    inbox: str
    sentence: str


@dataclass(frozen=True)
class Changed:
    """The file changed while it was being taken; it is back in the inbox and settles anew."""

    path: Path


Outcome = Accepted | Duplicate | Failed | Left | Changed
