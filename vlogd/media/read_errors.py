"""Was it the disk? Tools take an I/O error for the end of their file.

ffmpeg names it in passing and ends well (ffmpeg 5.1 and 7.1, seen on a failing disk), ffprobe says
nothing. Whoever believed them would publish half a film, or blame the file. So where it may have
happened the bytes are read once more by us, and the kernel's error is raised as it is: an OSError. Where
they can be read by then (a server of files that was away for a moment), the tool is asked once more.
"""

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from vlogd.core.cancellation import Never, Stop
from vlogd.core.cancellation import check as check_stop

_KINDS = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV, errno.ETIMEDOUT, errno.EHOSTDOWN)
_WORDS = tuple(os.strerror(kind) for kind in _KINDS)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_BLOCK_BYTES = 1 << 20

_MOST_REMEMBERED = 4096
_asked_again: dict[str, None] = {}
_remembering = threading.Lock()

ENDS_BYTES = 8 << 20
"""How much at each end of a file a demuxer looks at to find out what it is and how long it lasts."""


def is_named(said: Iterable[str]) -> bool:
    """Whether a tool's last words (in English) name an error of a disk or of a server of files."""
    return any(words in line for line in said for words in _WORDS)


def check_room(said: Iterable[str]) -> None:
    """Raise the OSError of a full or read-only disk when a tool's last words name it.

    ffmpeg 5.1 ends well when only the closing of its output failed: what it wrote is short all the same.
    """
    for line in said:
        for kind in _NO_ROOM:
            if line.endswith(os.strerror(kind)):
                raise OSError(kind, os.strerror(kind))


def check(path: Path, first: int = 0, length: int | None = None, stop: Stop | None = None) -> None:
    """Read `length` bytes (None: to the end) from byte `first` on. Raises OSError when they cannot be read."""
    rest = path.stat().st_size if length is None else length
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(max(0, first))
            while rest > 0 and (block := file.read(min(rest, _BLOCK_BYTES))):
                rest -= len(block)
                check_stop(stop or Never())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path.resolve())) from error


def had_passed(command: str) -> bool:
    """Whether `command` named an error that is gone, for the first time: what it made may be short.

    When it names the error again, the file itself makes the tool say so. A restart forgets, which costs one
    try more.
    """
    with _remembering:
        if command in _asked_again:
            return False
        if len(_asked_again) >= _MOST_REMEMBERED:
            del _asked_again[next(iter(_asked_again))]
        _asked_again[command] = None
        return True


def named_nothing(command: str) -> None:
    """`command` ran without such an error: the next one is a first one again."""
    with _remembering:
        _asked_again.pop(command, None)


def check_ends(path: Path) -> None:
    """`check` the beginning and the end of a file."""
    check(path, 0, ENDS_BYTES)
    check(path, path.stat().st_size - ENDS_BYTES, ENDS_BYTES)
