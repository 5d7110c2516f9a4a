"""Hints from the kernel (inotify(7)), through watchdog (imported here only): created, written, closed, moved in.

Each folder is watched by itself, through a descriptor of it: no link, no length of a path (PATH_MAX) and no depth of a
tree matters, as it would to watchdog's own recursion, which goes by paths. A folder that cannot be watched is left to the
periodic listing, and the others are watched all the same.
"""

import errno
import itertools
import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.core.tree_walk import TooDeep, walk
from vlogd.watchers.contract import Hint

# watchdog logs when the kernel's queue overflows; the periodic listing finds what was lost then.
logging.getLogger("watchdog").addHandler(logging.NullHandler())
logging.getLogger("watchdog").propagate = False

_MASK = Mask(
    InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)


class InotifyWatcher:
    """Watches a folder with everything below it."""

    def __init__(self) -> None:
        self._kernel: InotifyFD | None = None

    def start(self, folder: Path, hint: Hint) -> None:
        """Begin to watch. Raises Unavailable when the kernel's limits are reached."""
        try:
            self._kernel = InotifyFD()
            self._kernel.name = "vlogd-inotify"
            self._kernel.start()  # before the first watch: only a running thread closes its descriptors
            watches = _Watches(self._kernel, folder, hint)
            with Folder.at(folder) as root:
                watches.add(root, folder)
                watches.add_below(root, folder, 0)
        except OSError as error:
            self.stop()
            raise Unavailable(_sentence(error, folder)) from error

    def stop(self) -> None:
        """Stop and join."""
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            kernel.stop()
            kernel.join()


class _Watches:
    """What watchdog calls, from its thread, for each event of a watched folder. `folder` is the one to be watched."""

    def __init__(self, kernel: InotifyFD, folder: Path, hint: Hint) -> None:
        self._kernel = kernel
        self._folder = folder
        self._hint = hint
        self._ids = itertools.count()
        self._lock = threading.Lock()
        self._known: dict[WatchDescriptor, tuple[CallbackId, Path]] = {}

    def add(self, folder: Folder, path: Path) -> None:
        """Watch one folder. One that is watched already, and was moved, gets its new path. Raises OSError."""
        # proc(5): this leads to the open folder itself, whatever its path is by now.
        opened = f"/proc/self/fd/{folder.descriptor}".encode()
        callback = CallbackId(next(self._ids))
        with self._lock:  # an event may come before its folder's path is noted
            watch = self._kernel.add_callback(opened, _MASK, self, callback)
            if watch < 0:  # watchdog passes over this one
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            earlier = self._known.get(watch)
            self._known[watch] = callback, path
        if earlier is not None:
            self._kernel.remove_callbacks([(watch, earlier[0])])

    def add_below(self, root: Folder, path: Path, level: int) -> None:
        """Watch a folder and all below it that can be. Raises OSError when the kernel's limit is reached."""
        for place in walk(root, path, _not_watched, level=level):
            try:
                self.add(place.folder, place.path)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.ENOMEM):
                    raise

    def on_event(self, event: InotifyEvent) -> None:
        """A new folder is watched before it is hinted at: what comes into it after it was listed is heard of."""
        with self._lock:
            _, parent = self._known.get(event.wd, (None, None))
        if parent is None or not event.name:
            return
        path = parent / os.fsdecode(event.name)
        if event.is_directory and (event.is_create or event.is_moved_to):
            with suppress(OSError):  # gone again, or too many: the listing is the truth
                names = path.relative_to(self._folder).parts
                with Folder.at(self._folder) as root, root.below(names) as new:
                    self.add_below(new, path, len(names))
        self._hint(path)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """The kernel removed the watch together with its folder, or it was stopped."""
        with self._lock:
            self._known.pop(wd, None)

    def on_queue_overflow(self) -> None:
        """What was lost is found by the periodic listing."""


def _not_watched(_path: Path, _error: OSError | TooDeep) -> None:
    """The listing reports what cannot be looked into."""


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        return (
            f"The kernel's inotify limit is reached, so {folder} cannot be watched; raise "
            "fs.inotify.max_user_watches and fs.inotify.max_user_instances (sysctl)."
        )
    return f"{folder} cannot be watched with inotify: {error.strerror}."
