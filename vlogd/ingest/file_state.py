"""The state of a file, by which a change is noticed."""

import os
import stat
from dataclasses import dataclass
from typing import BinaryIO

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


def state_of(status: os.stat_result) -> FileState:
    """The state of a regular file from its status."""
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)


def file_state(status: os.stat_result) -> FileState | str:
    """The same, or a sentence that says why what has this status is no regular file."""
    kind = stat.S_IFMT(status.st_mode)
    return state_of(status) if kind == stat.S_IFREG else f"It is {_REFUSED.get(kind, 'not a regular file')}."


def is_unchanged(file: BinaryIO, expected: FileState) -> bool:
    """Whether an open file is that very one, with the same size and modification time."""
    return state_of(os.fstat(file.fileno())) == expected
