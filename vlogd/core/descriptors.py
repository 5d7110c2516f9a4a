"""Open folders, for places where others may write: what was checked is what is used.

A path is resolved anew at each use, so whoever may write to a folder on it can exchange a part of it with a link between
a check and the use (openat(2), "Rationale for openat()"). An open folder stays the one that was opened: operations name
it by its descriptor and take one name, without a slash, which is never followed when it is a link.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_RENAME_NOREPLACE = 1
"""linux/fs.h: fail rather than replace (renameat2(2))."""

_NO_HARD_LINK = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK)
"""What link(2) says where a hard link cannot be made."""

_FOLDER = os.O_PATH | os.O_DIRECTORY
"""O_PATH needs no right to list the folder, as a path does not (open(2))."""

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""Without waiting: opening a pipe would last until somebody writes to it (fifo(7))."""


class Folder:
    """An open folder; leaving its context closes it. All methods raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> Self:
        """Open a folder by its path, links in it included: for paths that only their owner can change."""
        return cls(os.open(path, _FOLDER))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)

    def copy(self) -> "Folder":
        """The same folder under another descriptor."""
        return Folder(os.dup(self.descriptor))

    def folder(self, name: str) -> "Folder":
        """Open a folder in this one, also where another disk is mounted. Raises NotADirectoryError for a link."""
        return Folder(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.descriptor))

    def below(self, names: Iterable[str]) -> "Folder":
        """Open the folder that lies below these names, one within the other, of which none may be a link."""
        folder = self.copy()
        for name in names:
            with folder:
                folder = folder.folder(name)
        return folder

    def make_folder(self, name: str, mode: int = 0o777) -> "Folder":
        """Open a folder in this one, which is made if it is not there."""
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=self.descriptor)
        return self.folder(name)

    def own_status(self) -> os.stat_result:
        """The status of this folder itself."""
        return os.fstat(self.descriptor)

    def status(self, name: str) -> os.stat_result:
        """The status of a name, of a link itself."""
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def has(self, name: str) -> bool:
        """Whether the name is taken, by whatever."""
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def is_writable(self) -> bool:
        """Whether we may put names into it and remove them."""
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self.descriptor, effective_ids=True)

    def keeps(self, file: os.stat_result) -> bool:
        """Whether only others may remove a file with this status from it: its owner, or this folder's (inode(7), sticky bit)."""
        folder = self.own_status()
        return bool(folder.st_mode & stat.S_ISVTX) and os.geteuid() not in (0, folder.st_uid, file.st_uid)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """What it holds, in no order."""
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.descriptor)
        try:
            with os.scandir(descriptor) as entries:
                yield from entries
        finally:
            os.close(descriptor)

    def open_file(self, name: str) -> BinaryIO:
        """Open a regular file for reading, unbuffered. Raises FileNotFoundError when the name stands for anything else."""
        if not stat.S_ISREG(
            self.status(name).st_mode
        ):  # opening a device or a pipe may already have an effect
            raise _no_file(name)
        try:
            file = open(os.open(name, _FILE, dir_fd=self.descriptor), "rb", buffering=0)  # noqa: PTH123, SIM115
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):  # a link, a socket, a folder
                raise _no_file(name) from error
            raise
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise _no_file(name)
        return file

    def create_file(self, name: str) -> BinaryIO:
        """Create a file that nobody else may read, and open it for writing and reading. Raises FileExistsError."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return open(os.open(name, flags, 0o600, dir_fd=self.descriptor), "w+b", buffering=0)  # noqa: PTH123

    def rename(self, name: str, to: "Folder", new_name: str) -> None:
        """Rename; a file that has the new name is replaced."""
        os.replace(name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def rename_new(self, name: str, to: "Folder", new_name: str) -> None:
        """Rename without ever replacing anything. Raises FileExistsError when the new name is taken.

        Where the file system has no RENAME_NOREPLACE (NFS), a hard link takes the name, which link(2) refuses when
        it is taken. Where there are none, or not of other users' files (proc(5), protected_hardlinks), an empty file does.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        source, target = (self.descriptor, os.fsencode(name)), (to.descriptor, os.fsencode(new_name))
        if not libc.renameat2(*source, *target, _RENAME_NOREPLACE):
            return
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(number, os.strerror(number), name, None, new_name)
        try:
            os.link(
                name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor, follow_symlinks=False
            )
        except OSError as error:
            if error.errno not in _NO_HARD_LINK:
                raise
            if stat.S_ISDIR(self.status(name).st_mode):
                os.mkdir(new_name, dir_fd=to.descriptor)
            else:
                to.create_file(new_name).close()
            self.rename(name, to, new_name)
        else:
            self.unlink(name)

    def unlink(self, name: str) -> None:
        """Remove a name that is not a folder's."""
        os.unlink(name, dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder in this one."""
        os.rmdir(name, dir_fd=self.descriptor)

    def sync(self) -> None:
        """Make the names in it survive a power cut, where the file system can and we may."""
        with suppress(OSError):  # some network file systems cannot fsync a folder
            descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.descriptor)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _no_file(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "it is not a regular file", name)
