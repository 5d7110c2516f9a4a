"""Does a file prove that it is complete? Then it need not be watched for a while first.

MP4 and MOV: the top-level boxes add up to the file's size, with a `moov` among them (ISO/IEC
14496-12, 4.2). Matroska and WebM: the segment says its size and the file has it (RFC 8794, 8.1).
A file that proves nothing may still be whole; the settle rule decides about it.
"""

import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MOST_BOXES = 100_000
_TAIL_BYTES = 512
_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = 0x18538067


def proves_whole(path: Path) -> bool:
    """Whether the container itself shows that nothing is missing. False for anything odd."""
    with suppress(OSError, ValueError, struct.error):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if stat.S_ISREG(found.st_mode) and found.st_size:
                return _filled(file) and (_mp4(file, found.st_size) or _matroska(file, found.st_size))
    return False


def is_open_for_writing(path: Path) -> bool:
    """Whether any process has the file open for writing, as far as the kernel tells us.

    A read lease is refused then (fcntl(2), F_SETLEASE). Without the right to ask (the file is another
    user's and we lack CAP_LEASE) or on a file system without leases the answer is False, and the settle
    rule alone decides. The lease is given up at once; `signals` ignores the SIGIO of one broken meanwhile.
    """
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


def _filled(file: BinaryIO) -> bool:
    """Whether the file's end holds data. A reserved and unfilled one is zeros."""
    file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return any(file.read())


def _mp4(file: BinaryIO, length: int) -> bool:
    kinds: list[bytes] = []
    position = 0
    for kind, size in _boxes(file):
        if not kinds and kind not in (b"ftyp", b"wide", b"moov", b"mdat", b"free", b"skip", b"styp"):
            return False
        kinds.append(kind)
        position += size
        if position > length or len(kinds) > _MOST_BOXES:
            return False
    return position == length and b"moov" in kinds


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Types and sizes of the top-level boxes. A size of 0 ("to the end") proves nothing."""
    position = 0
    while True:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:  # noqa: PLR2004 - size and type
            return
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1:
            (size,) = struct.unpack(">Q", header[8:])
        if size < 8:  # noqa: PLR2004 - a box is at least its header
            raise ValueError
        yield kind, size
        position += size


def _matroska(file: BinaryIO, length: int) -> bool:
    file.seek(0)
    if file.read(4) != _EBML:
        return False
    header = _size(file)
    if header is None:
        return False
    file.seek(header, os.SEEK_CUR)
    if int.from_bytes(file.read(4), "big") != _SEGMENT:
        return False
    size = _size(file)
    return size is not None and file.tell() + size == length


def _size(file: BinaryIO) -> int | None:
    """An EBML data size; None when it is "unknown" (all ones), as in a stream."""
    (first,) = file.read(1)
    width = 9 - first.bit_length()
    value = first - (1 << (8 - width)) if width <= 8 else 0  # noqa: PLR2004 - RFC 8794, 4.4
    value = value << 8 * (width - 1) | int.from_bytes(file.read(width - 1), "big")
    return None if value == (1 << 7 * width) - 1 else value
