"""Hints by listing, for file systems on which the kernel does not see other machines' changes (NFS, SMB)."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from vlogd.core.descriptors import Folder
from vlogd.core.tree_walk import walk
from vlogd.watchers.contract import Hint

_MOST_NAMES = 200_000
"""How many are compared with the last listing, some hundred bytes each. Others are found by the inbox's own listing."""


class PollingWatcher:
    """Lists a folder, with everything below it, every few seconds."""

    def __init__(self, every_seconds: float = 5.0) -> None:
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, folder: Path, hint: Hint) -> None:
        """Begin to list."""
        self._thread = threading.Thread(
            target=self._watch, args=(folder, hint), name="vlogd-polling", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop and join."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self, folder: Path, hint: Hint) -> None:
        known: dict[Path, tuple[int, int]] = {}
        while not self._stop.wait(self._every_seconds):
            listing = dict(islice(_listing(folder), _MOST_NAMES))
            for path, state in listing.items():
                if known.get(path) != state:
                    hint(path)
            known = listing


def _listing(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Paths with size and change time; links are not followed, what vanishes meanwhile is left out."""
    with suppress(OSError), Folder.at(folder) as root:
        for place in walk(root, folder, lambda _path, _error: None):
            with suppress(OSError):
                for name in place.names():
                    with suppress(OSError):
                        status = place.folder.status(name)
                        yield place.path / name, (status.st_size, status.st_mtime_ns)
