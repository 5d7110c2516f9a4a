"""The state of a path, without opening it."""

import stat
from dataclasses import dataclass
from pathlib import Path

_REFUSED = {
    stat.S_IFLNK: "a symbolic link, and links are not followed; drop the file itself",
    stat.S_IFIFO: "a pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


@dataclass(frozen=True)
class FileState:
    """A regular file as it was seen. Equal states are an unchanged file."""

    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


def file_state(path: Path) -> FileState | str:
    """The state of a regular file, or a sentence that says why the path is not one. Raises OSError."""
    status = path.lstat()
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        return f"It is {_REFUSED.get(kind, 'not a regular file')}."
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


def is_unchanged(path: Path, expected: FileState) -> bool:
    """Whether the path is still that very file, with the same size and modification time."""
    try:
        return file_state(path) == expected
    except OSError:
        return False
