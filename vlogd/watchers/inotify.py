"""Hints from the kernel, through watchdog (imported here only): created, written, closed, moved in."""

import errno
import logging
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from vlogd.core.errors import Unavailable
from vlogd.watchers.contract import Hint

# watchdog logs about its own threads at every stop; nobody can do anything about it.
logging.getLogger("watchdog").addHandler(logging.NullHandler())
logging.getLogger("watchdog").propagate = False


class InotifyWatcher:
    """Watches a folder with everything below it."""

    def __init__(self) -> None:
        self._observer: BaseObserver | None = None

    def start(self, folder: Path, hint: Hint) -> None:
        """Begin to watch. Raises Unavailable when the kernel's limits are reached."""
        try:
            self._observer = (
                Observer()
            )  # this already may meet the limit of instances, start() that of watches
            self._observer.schedule(_Handler(hint), str(folder), recursive=True)
            self._observer.start()
        except OSError as error:
            self.stop()
            raise Unavailable(_sentence(error, folder)) from error

    def stop(self) -> None:
        """Stop and join."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            if observer.is_alive():
                observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, hint: Hint) -> None:
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Anything that may mean a new or changed file; reading is none of it."""
        if event.event_type in ("opened", "closed_no_write", "deleted"):
            return
        path = event.dest_path if event.event_type == "moved" else event.src_path
        if path:
            self._hint(Path(path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")))


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        return (
            f"The kernel's inotify limit is reached, so {folder} cannot be watched; raise "
            "fs.inotify.max_user_watches and fs.inotify.max_user_instances (sysctl)."
        )
    return f"{folder} cannot be watched with inotify: {error.strerror}."
