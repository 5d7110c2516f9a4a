"""The sample table of an MP4 or QuickTime file, read without reading the pictures (ISO/IEC 14496-12, 8.6).

It tells when each picture is shown, which are key frames and where they lie, from the few megabytes
of `moov`: a film of any length is planned in about a second, also on a slow disk. Only plain files are
read: one edit at most, no fragments. For all others, and wherever anything looks odd, the answer is
None and ffprobe reads the packets. Files are not trusted: all counts are held to the bytes that are there.
"""

import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

_LARGEST_MOOV_BYTES = 256 << 20
_MOST_SAMPLES = 3_000_000
"""Reading so many takes 300 MiB; they are 14 hours at 60 pictures a second. Longer films are left to ffprobe."""
_IDR, _SLICE = 5, 1
_LONGEST_HEAD_BYTES = 4096
_MOST_NAL_UNITS = 16


class _Odd(Exception):
    """Not a plain file: leave it to ffprobe."""


@dataclass(frozen=True)
class SampleTable:
    """One picture track, in decoding order.

    `pts`: ticks of `timescale`, as ffmpeg gives them (the edit list applied). `keys`: which samples are
    sync samples. `sizes` and `positions` are in bytes. `nal_length_bytes` is H.264's, 0 for other codecs.
    """

    timescale: int
    pts: "array[int]"
    keys: "array[int]"
    sizes: "array[int]"
    positions: "array[int]"
    nal_length_bytes: int

    def gops_are_closed(self) -> bool:
        """Whether no picture that follows a key frame in the file is shown before it."""
        earliest = None
        keys = set(self.keys)
        for index in range(len(self.pts) - 1, -1, -1):
            time = self.pts[index]
            if index in keys and earliest is not None and earliest < time:
                return False
            earliest = time if earliest is None else min(earliest, time)
        return True


def read(path: Path, stream_index: int) -> SampleTable | None:
    """The table of one track, or None when ffprobe had better read the packets."""
    with (
        suppress(_Odd, OSError, struct.error, IndexError, StopIteration, OverflowError),
        path.open("rb") as file,
    ):
        moov = _moov(file)
        if any(kind == b"mvex" for kind, _ in _boxes(moov)):
            return None
        tracks = [body for kind, body in _boxes(moov) if kind == b"trak"]
        (movie_ticks,) = _words(_one(moov, b"mvhd"), 12, 20)
        return _table(tracks[stream_index], movie_ticks, os.fstat(file.fileno()).st_size)
    return None


def is_plain(path: Path) -> bool:
    """Whether an MP4's index tells of the whole file, so that the lengths of its tracks can be believed."""
    with suppress(_Odd, OSError, struct.error), path.open("rb") as file:
        kinds = [kind for kind, _ in _boxes(_moov(file))]
        return b"trak" in kinds and b"mvex" not in kinds
    return False


def key_frames_are_idr(path: Path, table: SampleTable) -> bool:
    """Whether each sync sample of an H.264 track is an IDR picture: the first slice in it says so."""
    if not table.nal_length_bytes:
        return False
    with path.open("rb") as file:
        return all(_is_idr(file, table, index) for index in table.keys)


def _is_idr(file: BinaryIO, table: SampleTable, index: int) -> bool:
    position, end = table.positions[index], table.positions[index] + table.sizes[index]
    for _ in range(_MOST_NAL_UNITS):
        file.seek(position)
        head = file.read(table.nal_length_bytes + 1)
        if position >= end or len(head) <= table.nal_length_bytes:
            return False
        kind = head[-1] & 0x1F
        if kind in (_IDR, _SLICE):
            return kind == _IDR
        position += table.nal_length_bytes + int.from_bytes(head[:-1], "big")
    return False


def _moov(file: BinaryIO) -> memoryview:
    """The body of `moov`, wherever among the top-level boxes it lies."""
    file.seek(0, os.SEEK_END)
    length, position = file.tell(), 0
    while position + 8 <= length:
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        if kind == b"moov" and header <= size <= min(_LARGEST_MOOV_BYTES, length - position):
            return memoryview(file.read(size - header))
        if size < header:
            break
        position += size
    raise _Odd


def _table(trak: memoryview, movie_ticks: int, file_bytes: int) -> SampleTable:
    mdia = _one(trak, b"mdia")
    (timescale,) = _words(_one(mdia, b"mdhd"), 12, 20)
    stbl = _one(_one(mdia, b"minf"), b"stbl")
    sizes = _sizes(_one(stbl, b"stsz"))
    count = len(sizes)
    dts = array("q", accumulate(_expanded(_one(stbl, b"stts"), ">II", count - 1, count), initial=0))
    found = dict(_boxes(stbl))
    offsets = _expanded(found[b"ctts"], ">Ii", count, count) if b"ctts" in found else array("q", [0]) * count
    pts = array("q", (time + offset for time, offset in zip(dts, offsets, strict=True)))
    shift = _edit_shift(trak, timescale, movie_ticks, max(pts))
    keys = _keys(found, count)
    positions = _positions(found, sizes)
    if not keys or keys[0] != 0 or not timescale or positions[-1] + sizes[-1] > file_bytes:
        raise _Odd
    shifted = array("q", (time - shift for time in pts))
    return SampleTable(timescale, shifted, keys, sizes, positions, _nal_length(found[b"stsd"]))


def _sizes(stsz: memoryview) -> "array[int]":
    same, count = struct.unpack_from(">II", stsz, 4)
    if not 0 < count <= _MOST_SAMPLES or same or 12 + 4 * count > len(stsz):
        raise _Odd
    return _big_endian("I", stsz[12 : 12 + 4 * count])


def _expanded(box: memoryview, layout: str, least: int, most: int) -> "array[int]":
    """(count, value) pairs written out; the last duration of a track is of no use and left out."""
    (entries,) = struct.unpack_from(">I", box, 4)
    if 8 + 8 * entries > len(box):
        raise _Odd
    values = array("q")
    for count, value in struct.iter_unpack(layout, box[8 : 8 + 8 * entries]):
        if len(values) + count > most:
            raise _Odd
        values.extend(array("q", [value]) * count)
    if len(values) != most:
        raise _Odd
    return values[:least]


def _keys(stbl: "dict[bytes, memoryview]", count: int) -> "array[int]":
    if b"stss" not in stbl:
        return array("I", range(count))
    (entries,) = struct.unpack_from(">I", stbl[b"stss"], 4)
    if 8 + 4 * entries > len(stbl[b"stss"]):
        raise _Odd
    keys = array("I", (number - 1 for number in _big_endian("I", stbl[b"stss"][8 : 8 + 4 * entries])))
    if any(key >= count for key in keys):
        raise _Odd
    return keys


def _positions(stbl: "dict[bytes, memoryview]", sizes: "array[int]") -> "array[int]":
    wide = b"co64" in stbl
    box = stbl[b"co64"] if wide else stbl[b"stco"]
    (count,) = struct.unpack_from(">I", box, 4)
    if 8 + count * (8 if wide else 4) > len(box):
        raise _Odd
    chunks = _big_endian("Q" if wide else "I", box[8 : 8 + count * (8 if wide else 4)])
    (entries,) = struct.unpack_from(">I", stbl[b"stsc"], 4)
    runs = list(struct.iter_unpack(">III", stbl[b"stsc"][8 : 8 + 12 * entries]))
    starts = [first for first, _, _ in runs]
    positions = array("Q")
    for number, start in enumerate(chunks, 1):
        at = start
        for _ in range(runs[bisect_right(starts, number) - 1][1]):
            if len(positions) == len(sizes):
                raise _Odd
            positions.append(at)
            at += sizes[len(positions) - 1]
    if len(positions) != len(sizes):
        raise _Odd
    return positions


def _edit_shift(trak: memoryview, timescale: int, movie_ticks: int, last_pts: int) -> int:
    """What the edit list takes off all times: nothing, or where its only edit begins."""
    edits = [body for kind, body in _boxes(trak) if kind == b"edts"]
    if not edits:
        return 0
    elst = _one(edits[0], b"elst")
    (count,) = struct.unpack_from(">I", elst, 4)
    layout = ">Qqi" if elst[0] else ">Iii"
    duration, media_time, rate = struct.unpack_from(layout, elst, 8)
    if count != 1 or media_time < 0 or rate != 1 << 16 or not movie_ticks:
        raise _Odd
    if duration and duration * timescale < (last_pts - media_time) * movie_ticks:
        raise _Odd  # pictures at the end are cut off
    return int(media_time)


def _nal_length(stsd: memoryview) -> int:
    """From the avcC box (ISO/IEC 14496-15, 5.3.3.1.2); 0 when the track is not plain avc1."""
    entry = bytes(stsd[:_LONGEST_HEAD_BYTES])
    at = entry.find(b"avcC")
    if entry[12:16] != b"avc1" or at < 0:
        return 0
    return (entry[at + 8] & 3) + 1


def _words(box: memoryview, at: int, at_wide: int) -> tuple[int]:
    """The 32-bit word of a full box that moves when its version has 64-bit times."""
    found: tuple[int] = struct.unpack_from(">I", box, at_wide if box[0] else at)
    return found


def _one(body: memoryview, wanted: bytes) -> memoryview:
    return next(inner for kind, inner in _boxes(body) if kind == wanted)


def _boxes(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(body):
        size, kind = struct.unpack_from(">I4s", body, at)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", body, at + 8)
            header = 16
        if size < header or at + size > len(body):
            raise _Odd
        yield kind, body[at + header : at + size]
        at += size


def _big_endian(kind: str, data: memoryview) -> "array[int]":
    values = array(kind)
    values.frombytes(data)
    if struct.pack("=H", 1) == struct.pack("<H", 1):
        values.byteswap()
    return values
