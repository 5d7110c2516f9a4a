"""What lies in an inbox and is ignored by its name: for people who wonder why a file is not taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vlogd.core.descriptors import Folder
from vlogd.core.tree_walk import TooDeep, walk
from vlogd.ingest import ignored_names

MOST = 1000
"""More than anybody reads. An inbox on a file server may hold any number of a server's own files."""


@dataclass(frozen=True)
class Ignored:
    """A file or folder, and by which rule it is ignored."""

    path: str
    why: str


def ignored_files(inbox: Path) -> list[Ignored]:
    """At most `MOST` of what is ignored in an inbox, folders as a whole; of what cannot be read nothing."""
    try:
        with Folder.at(inbox) as root:
            return list(islice(_below(root, inbox), MOST))
    except OSError:
        return []


def _below(root: Folder, inbox: Path) -> Iterator[Ignored]:
    for place in walk(root, inbox, _pass_over, ignored_names.is_ignored):
        for entry in place.folder.entries():
            rule = ignored_names.rule(entry.name)
            if rule and entry.name != ignored_names.FAILED:
                yield Ignored(str(place.path / entry.name), rule)


def _pass_over(path: Path, error: OSError | TooDeep) -> None:
    """A folder that cannot be listed is reported by the daemon, in `vlogd status`."""
