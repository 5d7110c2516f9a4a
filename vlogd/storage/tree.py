"""A folder that vlogd uses, with all below it: where a path of the originals, the archive or a volume becomes a file.

Names are paths relative to the folder. "Not there" is an answer (None, False); every other trouble is raised as OSError,
because a disk that fails must never look like an empty one.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.documents import Document, DocumentFormat
from vlogd.core.errors import Unavailable

T = TypeVar("T")


class Tree:
    """All operations are synced: what returned survives a power cut, where the file system can do that."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        """The path of `name`, for tools that take paths."""
        return self.root / name

    def is_file(self, name: str) -> bool:
        """Whether a regular file is there; links are followed: people link originals to other disks."""
        status = self._status(name)
        return status is not None and stat.S_ISREG(status.st_mode)

    def exists(self, name: str) -> bool:
        """Whether anything is there."""
        return self._status(name) is not None

    def names(self, name: str = ".", *, hidden: bool = False) -> Iterator[str]:
        """The names in a folder, with `hidden` also those with a leading dot; none when it isn't there."""
        with suppress(FileNotFoundError), os.scandir(self.path(name)) as entries:
            yield from (entry.name for entry in entries if hidden or not entry.name.startswith("."))

    def read_start(self, name: str, most_bytes: int) -> bytes | None:
        """The first bytes of a file; None when there is none, or a symbolic link in its place."""
        if self.path(name).is_symlink():
            return None
        with suppress(FileNotFoundError, NotADirectoryError), self.path(name).open("rb") as file:
            return file.read(most_bytes)
        return None

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all, and make its folder if need be."""
        self.make_folder(str(PurePosixPath(name).parent))
        files.write_whole(self.path(name), data)

    def read(self, document: DocumentFormat[T], name: str) -> Document[T] | None:
        """The document of that name; None when there is none. Raises OSError, Malformed and NewerFormat."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return document.read(self.path(name))
        return None

    def write(
        self, document: DocumentFormat[T], name: str, value: T, unknown: Mapping[str, Any] | None = None
    ) -> None:
        """Write a document, whole or not at all; `unknown` are the keys to keep of an earlier one."""
        document.write(self.path(name), value, unknown)

    def make_folder(self, name: str) -> None:
        """Make a folder and those above it, unless they are there."""
        self.path(name).mkdir(parents=True, exist_ok=True)

    def rename(self, name: str, new_name: str) -> None:
        """Rename within the tree, atomically."""
        self.path(name).rename(self.path(new_name))
        for folder in {self.path(name).parent, self.path(new_name).parent}:
            files.sync_folder(folder)

    def unlink(self, name: str) -> None:
        """Remove a file; harmless when it isn't there."""
        self.path(name).unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove a folder with its content; harmless when it isn't there."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.path(name))

    def copy_in(self, source: Path, name: str, stop: Stop) -> str:
        """Copy `source` to `name`, unless a file with the same bytes is there. Returns the SHA-256 of both.

        What is there is read back from its disk, not from memory. Raises Unavailable when it differs, and Stopping in
        the middle; no unfinished copy is left then. Another file of that name keeps its bytes, and gets a number.
        """
        target = self.path(name)
        self.make_folder(str(PurePosixPath(name).parent))
        sha256 = digest.of_large_file(source, stop)
        if not (self._is_own_file(name) and digest.of_large_file(target, stop, from_disk=True) == sha256):
            files.sweep_temporary(target.parent, "")
            copied = files.copy_beside(source, target, stop)
            try:
                is_same = digest.of_large_file(copied, stop, from_disk=True) == sha256
                if is_same:
                    if os.path.lexists(target):
                        files.rename_to_free_name(target, target)
                    copied.rename(target)
            finally:
                copied.unlink(missing_ok=True)
            if not is_same:
                raise Unavailable(
                    f"The copy of {source} in {target.parent} differs from it; check that disk."
                )
        files.sync_file(target)
        files.sync_folder(target.parent)
        files.sync_folder(self.root)
        return sha256

    def _is_own_file(self, name: str) -> bool:
        """Whether a regular file is there, and not a link to one elsewhere."""
        return self.is_file(name) and not self.path(name).is_symlink()

    def _status(self, name: str) -> os.stat_result | None:
        with suppress(FileNotFoundError, NotADirectoryError):
            return self.path(name).stat()
        return None
