"""Packets of VP8 and VP9 that are decoded to no picture: frames that others refer to, and that are never shown.

VP9 packs such a frame into one packet with the next that is shown, a superframe; VP8 doesn't, and some writers split
superframes. They have times of their own in Matroska, WebM and IVF, at which nothing is to be seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol


class IsHidden(Protocol):
    """Whether the packet of `size` bytes that ffprobe places at `position` is decoded to no picture."""

    def __call__(self, position: int, size: int) -> bool: ...


_IVF_HEADER_BYTES = 12
"""Before each frame: its size and its time."""
_MATROSKA_HEAD_BYTES = 4
"""Before a block's data: the track number (one byte up to 127), the time (two) and flags (RFC 9559, 10.1)."""
_ONE_BYTE_NUMBER = 0x80
_LACED = 0x06
"""Flags of a block that holds several frames, as no video does."""


@contextmanager
def finder(path: Path, container: str, codec: str) -> Iterator[IsHidden]:
    """The test for the packets of a file. `container` and `codec` are ffprobe's names; for others no packet is hidden."""
    shows = {"vp8": _vp8_shows, "vp9": _vp9_shows}.get(codec)
    is_ivf, is_matroska = container == "ivf", "matroska" in container
    if shows is None or not (is_ivf or is_matroska):
        yield lambda position, size: False  # noqa: ARG005 - the protocol's names
        return
    with path.open("rb") as file:

        def is_hidden(position: int, size: int) -> bool:
            if size <= 0:
                return False
            data_at = position + _IVF_HEADER_BYTES if is_ivf else _matroska_data(file, position)
            return data_at is not None and not shows(file, data_at, size)

        yield is_hidden


def _matroska_data(file: BinaryIO, position: int) -> int | None:
    """Where a block's data begins; None when it has an unusual head."""
    head = _bytes(file, position, _MATROSKA_HEAD_BYTES)
    if len(head) < _MATROSKA_HEAD_BYTES or head[0] < _ONE_BYTE_NUMBER or head[3] & _LACED:
        return None
    return position + _MATROSKA_HEAD_BYTES


def _vp8_shows(file: BinaryIO, data_at: int, _size: int) -> bool:
    """The flag show_frame (RFC 6386, 9.1)."""
    first = _bytes(file, data_at, 1)
    return not first or bool(first[0] & 0x10)


def _vp9_shows(file: BinaryIO, data_at: int, size: int) -> bool:
    """The flags show_existing_frame and show_frame (VP9 bitstream, 6.2); a superframe (annex B) shows its last frame."""
    first, last = _bytes(file, data_at, 1), _bytes(file, data_at + size - 1, 1)
    if not first or not last or last[0] & 0xE0 == 0xC0 or first[0] & 0xC0 != 0x80:  # noqa: PLR2004 - markers
        return True
    # Behind the marker and the profile, of which the third has a reserved bit more.
    flags = 0x05 if first[0] & 0x30 == 0x30 else 0x0A  # noqa: PLR2004 - profile 3
    return bool(first[0] & flags)


def _bytes(file: BinaryIO, position: int, length: int) -> bytes:
    file.seek(position)
    return file.read(length)
