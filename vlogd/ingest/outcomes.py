"""The notices that the ingest thread sends: the outcome for a file in an inbox, and problems of an inbox."""

from dataclasses import dataclass
from pathlib import Path

from vlogd.core.model import Item
from vlogd.media.ffprobe import Media


@dataclass(frozen=True)
class Accepted:
    """The file is an item now. `media` is ffprobe's description of it."""

    path: Path
    item: Item
    media: Media


@dataclass(frozen=True)
class Duplicate:
    """The same bytes were accepted before as `item`; the copy was removed."""

    path: Path
    item: Item


@dataclass(frozen=True)
class Failed:
    """The file is not a video; it lies at `moved_to` with a note beside it. `tool_output`: what ffprobe printed, for the log."""

    path: Path
    sentence: str
    moved_to: Path
    tool_output: str = ""


@dataclass(frozen=True)
class NotTaken:
    """The file stays where it is, for the reason in `sentence`; `inbox` is the inbox's name."""

    path: Path
    inbox: str
    sentence: str


@dataclass(frozen=True)
class Changed:
    """The file changed while it was being taken; it is back in the inbox and has to become stable again."""

    path: Path


@dataclass(frozen=True)
class Resolved:
    """What was reported as `NotTaken` is gone, or nothing keeps it from being taken any more."""

    path: Path


@dataclass(frozen=True)
class InboxProblem:
    """Something is wrong with an inbox. `place` says what: "<inbox>: folder", "<inbox>: watching", "claims" and so on."""

    place: str
    sentence: str


@dataclass(frozen=True)
class InboxProblemSolved:
    """The problem at that place is solved."""

    place: str


@dataclass(frozen=True)
class UnexpectedError:
    """The ingest thread hit an unexpected error, and continues."""

    error: Exception


Outcome = Accepted | Duplicate | Failed | NotTaken | Changed
"""The outcome of one attempt to take a file."""

Notice = Outcome | Resolved | InboxProblem | InboxProblemSolved | UnexpectedError
