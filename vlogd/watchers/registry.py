"""The watchers by name, and which one suits a file system. To add one: an import and an entry here."""

from collections.abc import Callable, Mapping

from vlogd.watchers.contract import Watcher
from vlogd.watchers.inotify import InotifyWatcher
from vlogd.watchers.polling import PollingWatcher

WATCHERS: Mapping[str, Callable[[], Watcher]] = {
    "inotify": InotifyWatcher,
    "polling": PollingWatcher,
}

_SILENT = ("nfs", "cifs", "smb", "fuse", "9p", "afs", "ceph", "gluster", "virtiofs", "vboxsf")
"""File systems on which the kernel does not see changes by other machines, or by the program behind them (FUSE)."""


def suited(file_system: str) -> str:
    """The name of the watcher for a folder on this type of file system: polling on network ones and FUSE, else inotify."""
    return "polling" if file_system.startswith(_SILENT) else "inotify"
