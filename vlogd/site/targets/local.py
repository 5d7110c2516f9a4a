"""The public tree in the library's own folder, for a web server on this machine."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vlogd.core import files
from vlogd.site.targets.contract import Change, FileRemoved, FileWritten


class LocalFolder:
    """Writes below `root`. Parts deliver straight into it, so a file that was added is there already.

    A removed video's folder is moved to the trash as a whole by `storage/workshop.py`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def apply(self, changes: Sequence[Change]) -> list[Change]:
        """Write and remove. Those that changed anything: a file that has its bytes already is left alone."""
        return [change for change in changes if self._applied(change)]

    def _applied(self, change: Change) -> bool:
        if isinstance(change, FileWritten):
            return files.write_if_changed(self._root / change.path, change.data)
        if isinstance(change, FileRemoved):
            self._remove(self._root / change.path)
        return True

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        folder = path.parent
        with suppress(OSError):  # a folder that is not empty stays
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent
