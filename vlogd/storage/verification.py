"""The state of an item when it was last found complete, so that a look at the library need not read its files again.

A file or folder that is created, removed or renamed changes the modification time of the folder it is in (POSIX,
"File Times Update"). So the times of an item's folders show that nothing was added, replaced or removed.
They don't show a file that was modified in place: `vlogd fsck` finds that.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vlogd.core.model import Item
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals

_COARSE_NANOSECONDS = 1_000_000_000
"""File systems that keep whole seconds (ext3, HFS+, some NFS servers) give times that are multiples of this one."""

_COARSE_MARGIN_SECONDS = 2.0
"""There, a folder that changed within this time may change again without a new time."""

FolderTimes = Mapping[str, int]
"""Folders by absolute path, and their modification times in nanoseconds since the epoch."""


@dataclass(frozen=True)
class Mark:
    """`key`: digest of all else that the item's artifacts depend on, of the inbox that it came from.

    `until` (epoch seconds): when something of the item is due, such as a sweep; None if nothing is.
    """

    inbox: str
    key: str
    until: float | None
    times: FolderTimes

    def to_text(self) -> str:
        """For the journal."""
        return json.dumps([self.inbox, self.key, self.until, self.times], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Mark | None":
        """The mark that `to_text` wrote; None if it is of another version."""
        with suppress(ValueError, TypeError):
            inbox, key, until, times = json.loads(text)
            return cls(inbox, key, until, times)
        return None

    def holds(self, key: str, now: float) -> bool:
        """Whether the item is unchanged. Raises OSError when a folder cannot be read; a missing one counts as changed."""
        if self.key != key or (self.until is not None and self.until <= now):
            return False
        with suppress(FileNotFoundError, NotADirectoryError):
            return all(os.stat(folder).st_mtime_ns == at for folder, at in self.times.items())  # noqa: PTH116 - many
        return False


def artifact_folders(mark: Mark, library: Library, item: Item) -> frozenset[str]:
    """The names of the step folders that the item had when it was marked."""
    tops = (f"{library.folder(item)}/", f"{library.workshop.private(item.slug)}/")
    below = (folder.removeprefix(top) for folder in mark.times for top in tops if folder.startswith(top))
    return frozenset(name for name in below if "-" in name and "/" not in name)


def folder_times(library: Library, originals: Originals, item: Item) -> FolderTimes:
    """The times of all folders of an item that are there now."""
    times: dict[str, int] = {}
    private = library.workshop.private(item.slug)
    for top in (library.folder(item), *([private] if private.is_dir() else []), originals.root / item.id):
        for folder in (top, *_folders_below(top)):
            with suppress(FileNotFoundError, NotADirectoryError):
                times[str(folder)] = folder.stat().st_mtime_ns
    return times


def may_change_unnoticed(times: FolderTimes) -> bool:
    """Whether a folder could change now and keep its time, because its file system's clock is so coarse."""
    coarse = (at for at in times.values() if at % _COARSE_NANOSECONDS == 0)
    return max(coarse, default=0) / _COARSE_NANOSECONDS > time.time() - _COARSE_MARGIN_SECONDS


def _folders_below(folder: Path) -> list[Path]:
    return [Path(parent) / name for parent, names, _ in os.walk(folder) for name in names]
