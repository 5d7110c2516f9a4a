"""Distinguishes read errors of a disk from the end of a file, which tools confuse.

On an I/O error ffmpeg prints a warning and exits successfully (5.1 and 7.1, seen on a failing disk), and
ffprobe prints nothing. Trusting them would publish half a video, or blame the file. Where a read error may
have happened, vlogd reads the bytes itself and raises the kernel's error as it is: an OSError. When they
can be read by then (a file server that was away for a moment), the tool is run once more.
"""

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from vlogd.core.cancellation import Never, Stop
from vlogd.core.cancellation import check as check_stop

_READ_ERRORS = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT, errno.EHOSTDOWN)
"""Of a disk (EIO, ENODEV), an NFS or SMB server (ESTALE, ETIMEDOUT, EHOSTDOWN) or a FUSE daemon (ENOTCONN): errno(3)."""
_READ_ERROR_MESSAGES = tuple(os.strerror(number) for number in _READ_ERRORS)
"""As ffmpeg prints them: av_strerror falls back on strerror_r."""
_WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""A full disk, an exhausted quota, and a disk that the kernel made read-only after an error."""
_BLOCK_BYTES = 1 << 20
"""Large enough for a disk's full speed; `stop` is checked after each block."""

_MAX_RETRIED_COMMANDS = 4096
"""Bounds what a daemon that runs for months keeps: 64 characters each."""
_retried_commands: dict[str, None] = {}
"""Digests of commands that are run once more because of a read error, oldest first."""
_lock = threading.Lock()

ENDS_BYTES = 8 << 20
"""How much of each end of a file is read: more than the 5 MB that ffmpeg's `probesize` reads to recognise a file."""


def is_reported(stderr_tail: Iterable[str]) -> bool:
    """Whether a tool's standard error (in English) reports a read error of a disk or a file server."""
    return any(message in line for line in stderr_tail for message in _READ_ERROR_MESSAGES)


def check_full_disk(stderr_tail: Iterable[str]) -> None:
    """Raise the OSError of a full or read-only disk when a tool's standard error reports it.

    ffmpeg 5.1 exits successfully when only closing its output failed, although the output is cut short.
    """
    for line in stderr_tail:
        for number in _WRITE_ERRORS:
            if line.endswith(os.strerror(number)):
                raise OSError(number, os.strerror(number))


def check(path: Path, first: int = 0, length: int | None = None, stop: Stop | None = None) -> None:
    """Read `length` bytes (None: to the end) from byte `first` on.

    Raises OSError when they cannot be read, and Stopping when `stop` is set.
    """
    remaining_bytes = path.stat().st_size if length is None else length
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(max(0, first))
            while remaining_bytes > 0 and (block := file.read(min(remaining_bytes, _BLOCK_BYTES))):
                remaining_bytes -= len(block)
                check_stop(stop or Never())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path.resolve())) from error


def should_retry(command_digest: str) -> bool:
    """Whether a command that reported a read error which is gone must run once more: its output may be cut short.

    Only the first time: when it reports the error again, the file itself is the cause. A restart forgets
    this, which costs one more attempt.
    """
    with _lock:
        if command_digest in _retried_commands:
            return False
        if len(_retried_commands) >= _MAX_RETRIED_COMMANDS:
            del _retried_commands[next(iter(_retried_commands))]
        _retried_commands[command_digest] = None
        return True


def forget(command_digest: str) -> None:
    """The command ran without a read error: its next one is a first one again."""
    with _lock:
        _retried_commands.pop(command_digest, None)


def check_ends(path: Path) -> None:
    """`check` the beginning and the end of a file."""
    check(path, 0, ENDS_BYTES)
    check(path, path.stat().st_size - ENDS_BYTES, ENDS_BYTES)
