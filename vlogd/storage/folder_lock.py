"""A lock on a folder that everybody sees who uses the same files, and that ends with its process.

On a disk of this machine the file is locked twice, and opened for reading only, so that the disk can be made read-only:
flock(2) keeps other processes out, and a shared lock on a range of bytes keeps out the machines to which this one serves
the folder, for NFS and Samba servers turn their clients' locks into such locks. A client locks the range exclusively.
"""

import errno
import fcntl
import os
import struct
from pathlib import Path

_WHOLE_FILE = "hhqqi"
"""`struct flock` (fcntl(2)): type, whence, start, length (0: to the end), and a process id that must be 0."""

_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_HELD = {errno.EAGAIN, errno.EACCES}
_UNKNOWN = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class FolderLock:
    """Taken by `__init__`, which raises BlockingIOError when somebody else holds it, and OSError.

    `is_remote`: whether the file is on a server. `works`: whether the file system has such locks at all.
    """

    def __init__(self, path: Path, *, is_remote: bool) -> None:
        self._path = path
        access = os.O_RDWR if is_remote else os.O_RDONLY
        self._descriptor = os.open(path, access | os.O_CREAT | _SAFELY, 0o600)
        try:
            self.works = self._lock_range(fcntl.F_WRLCK if is_remote else fcntl.F_RDLCK)
            if not is_remote:  # a client's flock(2) is a lock on bytes as well, and would meet the other one
                self.works &= self._lock_file()
        except BaseException:
            os.close(self._descriptor)
            raise

    def is_of(self, path: Path) -> bool:
        """Whether it still is a lock on the file of that name: the disk may have been replaced. Raises OSError."""
        return os.path.samestat(os.fstat(self._descriptor), path.stat())

    def release(self) -> None:
        """Let others have it."""
        os.close(self._descriptor)

    def _lock_range(self, kind: int) -> bool:
        request = struct.pack(_WHOLE_FILE, kind, os.SEEK_SET, 0, 0, 0)
        try:
            # A lock of the open file, not of the process: closing another descriptor does not end it (fcntl(2)).
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, request)
        except OSError as error:
            return self._is_unknown(error)
        return True

    def _lock_file(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return self._is_unknown(error)
        return True

    def _is_unknown(self, error: OSError) -> bool:
        if error.errno in _HELD:
            raise BlockingIOError(error.errno, error.strerror, str(self._path)) from error
        if error.errno in _UNKNOWN:
            return False
        raise error
