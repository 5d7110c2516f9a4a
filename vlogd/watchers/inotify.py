"""Hints from the kernel (inotify(7)): created, written, closed, moved in.

The C library's three functions are called directly: a watch is put on an open folder, so that no link, no length of a
path (PATH_MAX) and no depth of a tree matters. A folder that cannot be watched is left to the periodic listing, and
the others are watched all the same.
"""

import ctypes
import errno
import os
import select
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.core.tree_walk import TooDeep, walk
from vlogd.watchers.contract import Hint

_MODIFY, _ATTRIB, _CLOSE_WRITE, _MOVED_TO, _CREATE = 0x2, 0x4, 0x8, 0x80, 0x100
_ONLYDIR, _EXCL_UNLINK, _ISDIR, _IGNORED = 0x0100_0000, 0x0400_0000, 0x4000_0000, 0x8000
"""sys/inotify.h, as the next one."""
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_TO | _CREATE | _ONLYDIR | _EXCL_UNLINK

_EVENT = struct.Struct("iIII")
"""struct inotify_event: watch descriptor, mask, cookie, length of the name that follows."""

_READ_BYTES = 64 << 10


class InotifyWatcher:
    """Watches a folder with everything below it."""

    def __init__(self) -> None:
        self._instance = -1
        self._wake = -1
        self._thread: threading.Thread | None = None
        self._paths: dict[int, Path] = {}

    def start(self, folder: Path, hint: Hint) -> None:
        """Begin to watch. Raises Unavailable when the kernel's limits are reached."""
        try:
            self._instance = _init()
            self._wake = os.eventfd(0)
            with Folder.at(folder) as root:
                self._watch(root.descriptor, folder)
                self._watch_below(root, folder, 0)
        except OSError as error:
            self.stop()
            raise Unavailable(_sentence(error, folder)) from error
        self._thread = threading.Thread(
            target=self._run, args=(folder, hint), name="vlogd-inotify", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop and join."""
        if self._thread is not None:
            os.eventfd_write(self._wake, 1)
            self._thread.join()
            self._thread = None
        for descriptor in (self._instance, self._wake):
            if descriptor >= 0:
                os.close(descriptor)
        self._instance = self._wake = -1

    def _run(self, folder: Path, hint: Hint) -> None:
        poll = select.poll()
        for descriptor in (self._instance, self._wake):
            poll.register(descriptor, select.POLLIN)
        while all(descriptor != self._wake for descriptor, _ in poll.poll()):
            for watch, mask, name in _events(os.read(self._instance, _READ_BYTES)):
                parent = self._paths.get(watch)
                if mask & _IGNORED:
                    self._paths.pop(watch, None)  # the kernel removed the watch with its folder
                elif parent is not None and name:
                    self._event(folder, parent / name, mask, hint)

    def _event(self, folder: Path, path: Path, mask: int, hint: Hint) -> None:
        """A new folder is watched before it is hinted at: what comes into it after it was listed is heard of."""
        if mask & _ISDIR and mask & (_CREATE | _MOVED_TO):
            with suppress(OSError):  # gone again, or too many: the listing is the truth
                names = path.relative_to(folder).parts
                with Folder.at(folder) as root, root.below(names) as new:
                    self._watch_below(new, path, len(names))
        hint(path)

    def _watch_below(self, root: Folder, path: Path, level: int) -> None:
        """Watch a folder and all below it that can be. Raises OSError when the kernel's limit is reached."""
        for place in walk(root, path, _not_watched, level=level):
            try:
                self._watch(place.folder.descriptor, place.path)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.ENOMEM):
                    raise

    def _watch(self, descriptor: int, path: Path) -> None:
        """A folder that is watched already, and was moved, gets its new path."""
        self._paths[_add_watch(self._instance, descriptor)] = path


def _not_watched(_path: Path, _error: OSError | TooDeep) -> None:
    """The listing reports what cannot be looked into."""


def _init() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return _checked(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))


def _add_watch(instance: int, descriptor: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    path = (
        f"/proc/self/fd/{descriptor}".encode()
    )  # proc(5): leads to the open folder itself, whatever its path is by now
    return _checked(libc.inotify_add_watch(instance, path, _MASK))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Watch descriptor, mask and name of each event in what was read."""
    offset = 0
    while offset < len(data):
        watch, mask, _, length = _EVENT.unpack_from(data, offset)
        offset += _EVENT.size
        yield watch, mask, os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
        offset += length


def _sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        return (
            f"The kernel's inotify limit is reached, so {folder} cannot be watched; raise "
            "fs.inotify.max_user_watches and fs.inotify.max_user_instances (sysctl)."
        )
    return f"{folder} cannot be watched with inotify: {error.strerror}."
