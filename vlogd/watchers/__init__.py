"""The watchers, and which one suits a folder. To add one: an import and an entry here."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from vlogd.watcher import Watcher
from vlogd.watchers.inotify import InotifyWatcher
from vlogd.watchers.polling import PollingWatcher

WATCHERS: Mapping[str, Callable[[], Watcher]] = {
    "inotify": InotifyWatcher,
    "polling": PollingWatcher,
}

_SILENT = ("nfs", "cifs", "smb", "fuse", "9p", "afs", "ceph", "gluster", "virtiofs", "vboxsf")
"""File systems whose kernel side hears nothing of changes made on another machine."""


def suited(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The name of the watcher for `folder`: polling on network file systems and FUSE, else inotify."""
    return "polling" if file_system(folder, mounts).startswith(_SILENT) else "inotify"


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that `folder` lies on (proc(5), mountinfo); "" if unknown."""
    best, kind = b"", b""
    real = os.fsencode(folder.resolve())
    for line in mounts.read_bytes().split(b"\n"):
        left, _, right = line.partition(b" - ")
        fields = left.split(b" ")
        point = _unescaped(fields[4]) if len(fields) > 5 else b""  # noqa: PLR2004
        inside = real == point or real.startswith(point.rstrip(b"/") + b"/")
        if point and inside and len(point) >= len(best):
            best, kind = point, right.split(b" ")[0]
    return kind.decode("ascii", "replace")


def _unescaped(field: bytes) -> bytes:
    """A mount point's own bytes: the kernel writes space, tab, newline, backslash and # in octal, no others."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), field)
