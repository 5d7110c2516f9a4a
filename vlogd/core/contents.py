"""The bytes of open files: cloned, copied, compared. Offsets stay as they are; nothing is opened by a path."""

import fcntl
import os
from contextlib import suppress
from typing import BinaryIO

from vlogd.core.cancellation import Stop, check

_FICLONE = 0x40049409
"""linux/fs.h: share another file's blocks (ioctl_ficlone(2))."""

_COPY_BYTES = 16 << 20
"""Copied between two looks at `stop`: a tenth of a second on a hard disk."""

_PERMISSIONS = 0o777
"""What is copied of a mode: never the setuid, setgid and sticky bits (inode(7))."""

_BLOCK_BYTES = 1 << 20
"""Compared at a time: large enough for full speed, small enough for memory."""


def clone(source: BinaryIO, target: BinaryIO) -> bool:
    """Let `target` share the blocks of `source`, where the file system can (Btrfs, XFS, NFS 4.2). Whether it could."""
    with suppress(OSError):
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        return True
    return False


def copy(source: BinaryIO, target: BinaryIO, stop: Stop) -> None:
    """Copy the bytes that `source` has now into the empty `target`. Raises Stopping in the middle, and OSError.

    What is appended meanwhile is left out: a file that never stops growing must not fill the disk.
    """
    offset, size_bytes = 0, os.fstat(source.fileno()).st_size
    while offset < size_bytes:
        copied = os.sendfile(target.fileno(), source.fileno(), offset, min(_COPY_BYTES, size_bytes - offset))
        if not copied:  # it was shortened
            return
        offset += copied
        check(stop)


def are_same(file: BinaryIO, other: BinaryIO, stop: Stop) -> bool:
    """Whether two files hold exactly the same bytes. Raises Stopping in the middle, and OSError."""
    offset = 0
    while True:
        check(stop)
        block = os.pread(file.fileno(), _BLOCK_BYTES, offset)
        if block != os.pread(other.fileno(), _BLOCK_BYTES, offset):
            return False
        if not block:
            return True
        offset += len(block)


def copy_times(source: BinaryIO, target: BinaryIO) -> None:
    """Give `target` the times of `source`: nothing else of a dropped file's description is wanted."""
    status = os.fstat(source.fileno())
    os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_description(source: BinaryIO, target: BinaryIO) -> None:
    """Give `target` the times and the permissions of `source`: no setuid bits, attributes or access control lists."""
    copy_times(source, target)
    os.fchmod(target.fileno(), os.fstat(source.fileno()).st_mode & _PERMISSIONS)
