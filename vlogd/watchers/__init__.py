"""The watchers, and which one suits a folder. To add one: an import and an entry here."""

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
    best, kind = "", ""
    real = str(folder.resolve())
    for line in mounts.read_text(errors="surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].encode().decode("unicode_escape") if left.count(" ") > 4 else ""  # noqa: PLR2004
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if point and inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind
