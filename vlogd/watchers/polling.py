"""Hints by listing, for file systems on which the kernel does not see other machines' changes (NFS, SMB)."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from vlogd.watchers.contract import Hint


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
        known: dict[str, tuple[int, int]] = {}
        while not self._stop.wait(self._every_seconds):
            listing = dict(_listing(folder))
            for path, state in listing.items():
                if known.get(path) != state:
                    hint(Path(path))
            known = listing


def _listing(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Paths with size and change time; links are not followed, what vanishes meanwhile is left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = f"{parent}/{name}"
            try:
                status = os.lstat(path)
            except OSError:
                continue
            yield path, (status.st_size, status.st_mtime_ns)
