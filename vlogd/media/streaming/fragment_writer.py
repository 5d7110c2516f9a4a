"""Fragmented MP4: reading what ffmpeg's mp4 muxer wrote, writing segments with exact times.

Only what ISO/IEC 14496-12 calls for in a media segment (CMAF, ISO/IEC 23000-19): `styp`, then one
`moof` and `mdat` per GOP. The `moof` is written anew, because ffmpeg guesses the last duration of a
fragment and knows nothing of the next one's first picture.

The times of a GOP ("squeeze"): decoding begins at the first presentation time, and each picture is
decoded as late as those that follow allow. Then `tfdt` equals the first presentation time, nothing
overlaps or leaves a gap at a border, no composition offset is negative, and no edit list is needed; all
of it also with a variable frame rate.
"""

import io
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SYNC = 0x02000000
"""Sample flags: depends on no other sample (ISO/IEC 14496-12, 8.8.3.1)."""
NOT_SYNC = 0x01010000
"""Sample flags: depends on others, is no sync sample."""

_HEADER_BYTES = 8
_LEAST_APART = (90, 9, 1)
"""Ticks between two decoding times, tried in turn: a tick alone looks like a discontinuity to ffmpeg."""


struct_error = struct.error
"""What reading fields behind the end of a box raises."""


class Mismatch(Exception):
    """The pictures are not those of the plan."""


@dataclass(frozen=True)
class Fragment:
    """One moof and mdat in a file. `pts` are in decoding order; `data_at` is where the samples begin.

    `decode_time` is the first sample's (tfdt), `duration` that of all samples together, in the track's ticks.
    """

    data_at: int
    sizes: Sequence[int]
    pts: Sequence[int]
    sync: Sequence[bool]
    decode_time: int
    duration: int


def init_bytes(file: BinaryIO) -> bytes:
    """`ftyp` and `moov` as they stand at the file's start; empty while they are not whole."""
    end = 0
    for kind, start, size in _boxes(file, 0):
        end = start + size
        if kind == b"moov":
            file.seek(0)
            return file.read(end)
    return b""


def fragments(file: BinaryIO, position: int) -> Iterator[tuple[Fragment, int]]:
    """The whole fragments from `position` on, each with the position behind it. The file may grow."""
    moof: bytes | None = None
    for kind, start, size in _boxes(file, position):
        if kind == b"moof":
            file.seek(start)
            moof, moof_at = file.read(size), start
        elif kind == b"mdat" and moof is not None:
            yield _parse(moof, moof_at), start + size
            moof = None


def is_whole(data: bytes) -> bool:
    """Whether top-level boxes fill `data` to its last byte."""
    end = 0
    for _, start, size in _boxes(io.BytesIO(data), 0):
        end = start + size
    return end == len(data) > 0


def _boxes(file: BinaryIO, position: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and size of the boxes that lie whole in the file."""
    file.seek(0, 2)
    length = file.tell()
    while position + _HEADER_BYTES <= length:
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(_HEADER_BYTES))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        if size < _HEADER_BYTES or position + size > length:
            return
        yield kind, position, size
        position += size


def _parse(moof: bytes, moof_at: int) -> Fragment:
    traf = _child(moof, _HEADER_BYTES, b"traf")
    inner = dict(_children(traf))
    default_duration, default_size, default_flags = _tfhd(inner[b"tfhd"])
    version = inner[b"tfdt"][0]
    (decode_time,) = struct.unpack_from(">Q" if version else ">I", inner[b"tfdt"], 4)
    time = decode_time
    trun = inner[b"trun"]
    version, flags, count = trun[0], int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    at = 8
    data_offset = 0
    first_flags = None
    if flags & 0x1:
        (data_offset,) = struct.unpack_from(">i", trun, at)
        at += 4
    if flags & 0x4:
        (first_flags,) = struct.unpack_from(">I", trun, at)
        at += 4
    sizes, pts, sync = array("L"), array("q"), []
    for index in range(count):
        duration, size, sample, offset = default_duration, default_size, default_flags, 0
        if index == 0 and first_flags is not None:
            sample = first_flags
        if flags & 0x100:
            (duration,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x200:
            (size,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x400:
            (sample,) = struct.unpack_from(">I", trun, at)
            at += 4
        if flags & 0x800:
            (offset,) = struct.unpack_from(">i" if version else ">I", trun, at)
            at += 4
        sizes.append(size)
        pts.append(time + offset)
        sync.append(not sample & 0x10000)
        time += duration
    return Fragment(moof_at + data_offset, sizes, pts, sync, decode_time, time - decode_time)


def _tfhd(body: bytes) -> tuple[int, int, int]:
    flags = int.from_bytes(body[1:4], "big")
    at = 8
    found = []
    for bit, size in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
        value = 0
        if flags & bit:
            value = int.from_bytes(body[at : at + size], "big")
            at += size
        found.append(value)
    return found[2], found[3], found[4]


def _children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + _HEADER_BYTES <= len(body):
        size, kind = struct.unpack_from(">I4s", body, at)
        yield kind, body[at + _HEADER_BYTES : at + size]
        at += size


def _child(box: bytes, header: int, wanted: bytes) -> bytes:
    return next(body for kind, body in _children(box[header:]) if kind == wanted)


def snapped(pts: Sequence[int], planned: Sequence[int]) -> list[int]:
    """`pts` (any order) moved onto `planned` (sorted) where they differ by one tick of rounding.

    Raises Mismatch when a picture is missing, doubled, or shown at a time that is not planned.
    """
    if len(pts) != len(planned):
        raise Mismatch(f"{len(planned)} pictures were planned, {len(pts)} came")
    found = []
    for time in pts:
        at = bisect_left(planned, time - 1)
        if at == len(planned) or abs(planned[at] - time) > 1:
            raise Mismatch(f"no picture was planned at {time}/90000 s")
        found.append(planned[at])
    if len(set(found)) != len(found):
        raise Mismatch("a picture came twice")
    return found


def decode_times(pts: Sequence[int]) -> list[int]:
    """Decoding times for pictures with these presentation times, in decoding order.

    Each is as late as what follows allows, so that the key frame, where seeks land, keeps its length: browsers
    take the distance of two decoding times for a picture's duration. Raises Mismatch when that is impossible.
    """
    for apart in _LEAST_APART:
        times: list[int] = []
        latest = max(pts) + apart
        for time in reversed(pts):
            latest = min(latest - apart, time)
            times.append(latest)
        if times[-1] == min(pts):
            return times[::-1]
    raise Mismatch("the pictures are reordered more deeply than their times allow")


def video_fragment(number: int, pts: Sequence[int], end: int, sizes: Sequence[int], data: bytes) -> bytes:
    """One GOP as moof and mdat: pictures shown at `pts` (decoding order) until `end`."""
    times = decode_times(pts)
    durations = [after - before for before, after in zip(times, [*times[1:], end], strict=True)]
    rows = b"".join(
        struct.pack(">IIII", duration, size, NOT_SYNC if index else SYNC, time - dts)
        for index, (duration, size, time, dts) in enumerate(zip(durations, sizes, pts, times, strict=True))
    )
    return _fragment(number, times[0], _tfhd_box(), 0x000F01, len(pts), rows, data)


def audio_fragment(number: int, time: int, duration: int, sizes: Sequence[int], data: bytes) -> bytes:
    """Sound frames of equal `duration` from `time` on, as moof and mdat (ticks of the track)."""
    rows = struct.pack(f">{len(sizes)}I", *sizes)
    return _fragment(number, time, _tfhd_box(duration), 0x000201, len(sizes), rows, data)


def segment(fragment_bytes: Sequence[bytes]) -> bytes:
    """A media segment: `styp` and its fragments."""
    return b"".join([SEGMENT_TYPE, *fragment_bytes])


def _tfhd_box(duration: int | None = None) -> bytes:
    """Track 1, data relative to the moof; with a default duration and sync flags for sound."""
    if duration is None:
        return _full_box(b"tfhd", 0, 0x020000, struct.pack(">I", 1))
    return _full_box(b"tfhd", 0, 0x020028, struct.pack(">III", 1, duration, SYNC))


def _fragment(number: int, time: int, tfhd: bytes, flags: int, count: int, rows: bytes, data: bytes) -> bytes:
    def moof(data_offset: int) -> bytes:
        trun = _full_box(b"trun", 0, flags, struct.pack(">Ii", count, data_offset) + rows)
        tfdt = _full_box(b"tfdt", 1, 0, struct.pack(">Q", time))
        mfhd = _full_box(b"mfhd", 0, 0, struct.pack(">I", number))
        return _box(b"moof", mfhd + _box(b"traf", tfhd + tfdt + trun))

    length = len(moof(0))
    return moof(length + _HEADER_BYTES) + _box(b"mdat", data)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + _HEADER_BYTES, kind) + body


def _full_box(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)


def key_span(fragment: bytes, key_bytes: int) -> int:
    """How many bytes of a `video_fragment` a player needs to show its key frame: moof, mdat's head, the frame."""
    return int.from_bytes(fragment[:4], "big") + _HEADER_BYTES + key_bytes


def read_span(path: Path, start: int, length: int) -> bytes:
    """`length` bytes of a file from `start` on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


SEGMENT_TYPE = _box(b"styp", b"msdh" + bytes(4) + b"msdhmsix")
"""What each media segment begins with."""
