"""Boxes of ISO base media files: MP4, QuickTime, CMAF (ISO/IEC 14496-12, clause 4.2).

A box is a size, a four-letter type and a body; the body of some is more boxes. This module finds where boxes begin
and end, and knows nothing of what is in them. It never trusts what it reads:

- A box lies wholly inside its parent and is at least as long as its own header, or it is a `BoxError`. So every step
  of a walk goes forward, and a walk ends.
- A walk visits at most `MOST_BOXES` boxes. Nothing here recurses: the caller names each level that it descends to.
- Only the header of a box is read, 16 bytes at most. A body is read by who wants it, who knows how long it may be.

`walk` takes an open file, which is read by seeking, or a buffer: the rules are the same. For what is in memory
anyway, `children`, `child` and `fields` give views into the buffer and copy nothing.
"""

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_BOXES = 1_000_000
"""More than the fragments of a day of film, two boxes each second and track; a walk of so many takes a second."""

SIZE_TO_END, SIZE_IS_64_BITS = 0, 1
"""Sizes with a meaning of their own (4.2.2): the box ends with the file; the size follows the type."""

_HEADER_BYTES = 8
_LONG_HEADER_BYTES = 16


class BoxError(ValueError):
    """A box contradicts the bytes around it, or lacks what it must hold. The message says what, in a clause."""


class TruncatedBox(BoxError):
    """A box ends behind the bytes that are there: the file was cut off, or is still being written."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies: its header from `start`, its body from `body_start` to before `end`, all in bytes.

    `to_end`: the box does not say its size; it ends where the file happens to.
    """

    kind: bytes
    start: int
    body_start: int
    end: int
    to_end: bool = False


def parse_header(head: bytes | memoryview, start: int, end: int) -> Box:
    """The box whose header `head` begins with, at position `start` of something that ends at `end`.

    `head` need not be longer than 16 bytes. Raises TruncatedBox and BoxError.
    """
    if len(head) < _HEADER_BYTES:
        raise TruncatedBox(f"the header of a box at byte {start} is cut off")
    size, kind = struct.unpack_from(">I4s", head)
    header_bytes = _HEADER_BYTES
    if size == SIZE_IS_64_BITS:
        header_bytes = _LONG_HEADER_BYTES
        if len(head) < header_bytes:
            raise TruncatedBox(f"the header of {_spelt(kind)} at byte {start} is cut off")
        (size,) = struct.unpack_from(">Q", head, _HEADER_BYTES)
    elif size == SIZE_TO_END:
        return Box(kind, start, start + header_bytes, end, to_end=True)
    if size < header_bytes:
        raise BoxError(f"{_spelt(kind)} at byte {start} is shorter than its own header")
    if size > end - start:
        raise TruncatedBox(
            f"{_spelt(kind)} at byte {start} ends {size - (end - start)} bytes behind its parent"
        )
    return Box(kind, start, start + header_bytes, start + size)


def walk(
    source: BinaryIO | memoryview, start: int = 0, end: int | None = None, *, most: int = MOST_BOXES
) -> Iterator[Box]:
    """The boxes that follow one another from `start` to `end` (None: the end of `source`), without their children.

    Fewer bytes at the end than a header has are no box. A file may grow while it is walked; what counts is where it
    ended at the beginning. Raises BoxError, TruncatedBox for a box that is not all there, and a file's OSError.
    """
    length = _length(source)
    end = length if end is None else min(end, length)
    position = start
    for _ in range(most):
        if end - position < _HEADER_BYTES:
            return
        box = parse_header(_read(source, position, min(_LONG_HEADER_BYTES, end - position)), position, end)
        yield box
        position = box.end
    if end - position >= _HEADER_BYTES:
        raise BoxError(f"there are more than {most} boxes in a row")


def children(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and body of each box in the body of another. Raises BoxError.

    Only a file's last box may leave its size open (4.2.2).
    """
    for box in walk(body):
        if box.to_end:
            raise BoxError(f"{_spelt(box.kind)} at byte {box.start} of its parent has no size")
        yield box.kind, body[box.body_start : box.end]


def find(body: memoryview, wanted: bytes) -> memoryview | None:
    """The body of the first child of a type, if there is one. Raises BoxError."""
    return next((inner for kind, inner in children(body) if kind == wanted), None)


def child(body: memoryview, *path: bytes) -> memoryview:
    """The body that `path` leads to, by the first child of each type. Raises BoxError, also when one is missing."""
    for wanted in path:
        inner = find(body, wanted)
        if inner is None:
            raise BoxError(f"there is no {_spelt(wanted)} box")
        body = inner
    return body


def fields(layout: str, body: memoryview, offset: int = 0) -> tuple[int, ...]:
    """The big-endian numbers at `offset` of a body, in the letters of `struct`. Raises BoxError when it is too short."""
    try:
        return struct.unpack_from(f">{layout}", body, offset)
    except struct.error:
        raise BoxError(f"a box of {len(body)} bytes is too short for what it must hold") from None


def numbers(letter: str, body: memoryview) -> "array[int]":
    """All of a body as big-endian numbers, in a letter of `array`: I for 32 bits, Q for 64. Raises BoxError."""
    values = array(letter)
    try:
        values.frombytes(body)
    except ValueError:
        raise BoxError(f"a table of {len(body)} bytes ends within a number") from None
    if sys.byteorder == "little":
        values.byteswap()
    return values


def signed(values: "array[int]") -> "array[int]":
    """32-bit numbers read as two's complement."""
    return array("i", values.tobytes())


def version_and_flags(body: memoryview) -> tuple[int, int]:
    """What the body of a full box begins with (4.2.2): the version, and 24 bits of flags."""
    (word,) = fields("I", body)
    return word >> 24, word & 0xFFFFFF


def timescale_of(header: memoryview) -> int:
    """Ticks a second, from a movie's or a track's header: `mvhd`, `mdhd` (8.2.2, 8.4.2). Raises BoxError when it is 0."""
    version, _ = version_and_flags(header)
    (timescale,) = fields("I", header, 20 if version else 12)
    if not timescale:
        raise BoxError("a timescale is 0")
    return timescale


def _length(source: BinaryIO | memoryview) -> int:
    return len(source) if isinstance(source, memoryview) else source.seek(0, os.SEEK_END)


def _read(source: BinaryIO | memoryview, position: int, count: int) -> bytes | memoryview:
    if isinstance(source, memoryview):
        return source[position : position + count]
    source.seek(position)
    return source.read(count)


def _spelt(kind: bytes) -> str:
    """A box's type as messages may show it: whatever is not a plain character becomes a dot."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in kind)  # noqa: PLR2004 - printable ASCII
