"""The bytes of open files: cloned, copied, compared. Offsets stay as they are; nothing is opened by a path."""

import errno
import fcntl
import heapq
import os
from collections.abc import Iterator
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
    """Whether two files hold exactly the same bytes. Raises Stopping in the middle, and OSError.

    Where both have holes, nothing is read: there both are zeros.
    """
    if os.fstat(file.fileno()).st_size != os.fstat(other.fileno()).st_size:
        return False
    compared = 0
    for begin, end in heapq.merge(data_extents(file), data_extents(other)):
        for offset in range(max(begin, compared), end, _BLOCK_BYTES):
            check(stop)
            length = min(_BLOCK_BYTES, end - offset)
            if os.pread(file.fileno(), length, offset) != os.pread(other.fileno(), length, offset):
                return False
        compared = max(compared, end)
    check(stop)
    return True


def data_extents(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Where the data of a file begins and ends, hole after hole (lseek(2), SEEK_DATA). Raises OSError.

    On a file system that knows no holes there is one extent. What is appended meanwhile is left out.
    """
    position, size_bytes = 0, os.fstat(file.fileno()).st_size
    while position < size_bytes:
        offset = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        try:
            begin = os.lseek(file.fileno(), position, os.SEEK_DATA)
            position = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # the rest is a hole
                return
            if error.errno != errno.EINVAL:
                raise
            begin, position = position, size_bytes
        finally:
            os.lseek(file.fileno(), offset, os.SEEK_SET)
        if begin < size_bytes:
            yield begin, min(position, size_bytes)


def copy_times(source: BinaryIO, target: BinaryIO) -> None:
    """Give `target` the times of `source`: nothing else of a dropped file's description is wanted."""
    status = os.fstat(source.fileno())
    os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))


def copy_description(source: BinaryIO, target: BinaryIO) -> None:
    """Give `target` the times and the permissions of `source`: no setuid bits, attributes or access control lists."""
    copy_times(source, target)
    os.fchmod(target.fileno(), os.fstat(source.fileno()).st_mode & _PERMISSIONS)
