"""Does a file prove that it is complete? Then it need not be watched for a while first.

MP4 and MOV: the top-level boxes add up to the file's size, `moov` and `mdat` among them (ISO/IEC
14496-12, 4.2). Matroska and WebM: the segment says its size and the file has it (RFC 8794, 8.1).
A file that proves nothing may still be whole; the settle rule decides about it.
"""

import fcntl
import io
import os
from contextlib import suppress
from typing import BinaryIO

from vlogd.media import isobmff
from vlogd.media.isobmff import BoxError

_MOST_BOXES = 100_000
"""Looking at so many on a slow disk takes seconds. A longer recording in fragments waits for the settle rule."""
_FIRST_BOXES = frozenset((b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip"))
"""What such a file begins with: `ftyp` (ISO/IEC 14496-12, 4.3), before there was one also any of the others."""
_TAIL_BYTES = 512
"""A disk's smallest block: what was reserved and not written is zeros in whole blocks."""
_EBML = b"\x1aE\xdf\xa3"
_SEGMENT = 0x18538067
"""The ids of the EBML header (RFC 8794, 11.2.1) and of a Matroska segment (RFC 9559, 5.1)."""


def proves_whole(file: BinaryIO) -> bool:
    """Whether the container itself shows that nothing is missing. False for anything unusual."""
    with suppress(OSError, ValueError), io.BufferedReader(io.FileIO(os.dup(file.fileno()))) as reader:
        size = os.fstat(reader.fileno()).st_size
        reader.seek(0)
        return size > 0 and _filled(reader) and (_mp4(reader, size) or _matroska(reader, size))
    return False


def is_open_for_writing(file: BinaryIO) -> bool:
    """Whether any process has the file open for writing, as far as the kernel reports it.

    A read lease is refused then (fcntl(2), F_SETLEASE). Without the right to ask (the file is another
    user's and we lack CAP_LEASE) or on a file system without leases the answer is False, and the settle
    rule alone decides. The lease is given up at once; `signals` ignores the SIGIO of one broken meanwhile.
    """
    with suppress(OSError):
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            return True
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _filled(file: BinaryIO) -> bool:
    """Whether the file's end holds data. A reserved and unfilled one is zeros."""
    file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return any(file.read())


def _mp4(file: BinaryIO, length: int) -> bool:
    """Whether boxes with a size of their own fill the file, `moov` and `mdat` among them."""
    kinds: set[bytes] = set()
    position = 0
    with suppress(BoxError):
        for box in isobmff.walk(file, most=_MOST_BOXES):
            if box.to_end or (not kinds and box.kind not in _FIRST_BOXES):
                return False
            kinds.add(box.kind)
            position = box.end
    return position == length and {b"moov", b"mdat"} <= kinds


def _matroska(file: BinaryIO, length: int) -> bool:
    """Whether the segment after the EBML header states its size, and ends where the file does."""
    file.seek(0)
    if file.read(4) != _EBML:
        return False
    header_bytes = _element_size(file)
    if header_bytes is None or header_bytes > length:
        return False
    file.seek(header_bytes, os.SEEK_CUR)
    if int.from_bytes(file.read(4), "big") != _SEGMENT:
        return False
    segment_bytes = _element_size(file)
    return segment_bytes is not None and file.tell() + segment_bytes == length


def _element_size(file: BinaryIO) -> int | None:
    """An EBML data size (RFC 8794, 6); None when it is "unknown" (all ones), as in a stream.

    Raises ValueError where there is none.
    """
    (first,) = file.read(1)
    if not first:
        raise ValueError("an element size has at most eight bytes")
    width = 9 - first.bit_length()
    value = first - (1 << (8 - width))
    rest = file.read(width - 1)
    if len(rest) < width - 1:
        raise ValueError("the file ends within an element size")
    value = value << 8 * (width - 1) | int.from_bytes(rest, "big")
    return None if value == (1 << 7 * width) - 1 else value
