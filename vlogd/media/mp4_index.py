"""The sample table of an MP4 or QuickTime file: when frames are shown, and where they lie (ISO/IEC 14496-12, 8.6 and 8.7).

It is read without reading the frames: a film of any length is planned from the few megabytes of `moov`, in about a
second, also on a slow disk. Only plain files are read: one edit at most, no fragments. For all others, and wherever a
table contradicts itself, the answer is None and ffprobe reads the packets. Files are not trusted: every count is held
to the bytes that are there before anything is made of it, and what is kept are arrays, never lists of numbers.
"""

import operator
import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, chain, islice, repeat
from pathlib import Path
from typing import BinaryIO

from vlogd.media import isobmff
from vlogd.media.isobmff import Box, BoxError
from vlogd.media.streaming.codecs import first_sample_entry, visual_entry_boxes

_LARGEST_TRACK_BYTES = 96 << 20
"""What all tables of `_MOST_SAMPLES` take, a row for each: 32 bytes a sample."""
_MOST_SAMPLES = 3_000_000
"""Reading so many takes 250 MiB; they are 14 hours at 60 frames a second. Longer films are left to ffprobe."""
_MOST_TRACKS = 4096
"""And other boxes of a movie; ffprobe refuses files with fewer tracks (`media/ffprobe.py`)."""
_IDR, _SLICE = 5, 1
"""NAL unit types: a slice of an IDR picture, and of any other (ITU-T H.264, table 7-1)."""
_MOST_NAL_UNITS = 16
"""Parameter sets and SEI messages come before a slice; encoders write about four."""
_NORMAL_RATE = 1 << 16
"""media_rate 1.0 of an edit (8.6.6)."""


@dataclass(frozen=True)
class SampleTable:
    """One video track, in decoding order.

    `pts`: ticks of `timescale`, as ffmpeg gives them (the edit list applied). `keys`: which samples are
    sync samples. `sizes` and `positions` are in bytes. `nal_length_bytes` is H.264's, 0 for other codecs. `last_ticks`: how
    long the frame that is presented last lasts.
    """

    timescale: int
    pts: "array[int]"
    keys: "array[int]"
    sizes: "array[int]"
    positions: "array[int]"
    nal_length_bytes: int
    last_ticks: int

    def gops_are_closed(self) -> bool:
        """Whether no frame that follows a key frame in the file is shown before it."""
        earliest = max(self.pts)
        left = len(self.keys)
        for index in range(len(self.pts) - 1, -1, -1):
            time = self.pts[index]
            if left and self.keys[left - 1] == index:
                left -= 1
                if earliest < time:
                    return False
            earliest = min(earliest, time)
        return True


def read(path: Path, stream_index: int) -> SampleTable | None:
    """The table of one track, or None when ffprobe had better read the packets."""
    with suppress(BoxError, OSError), path.open("rb") as file:
        boxes = list(_moov(file))
        tracks = [box for box in boxes if box.kind == b"trak"]
        headers = [box for box in boxes if box.kind == b"mvhd"]
        if any(box.kind == b"mvex" for box in boxes) or stream_index >= len(tracks) or not headers:
            return None
        movie_timescale = isobmff.timescale_of(_body(file, headers[0]))
        return _table(_body(file, tracks[stream_index]), movie_timescale, os.fstat(file.fileno()).st_size)
    return None


def is_plain(path: Path) -> bool:
    """Whether an MP4's index covers the whole file, so that its tracks' durations can be trusted."""
    with suppress(BoxError, OSError), path.open("rb") as file:
        kinds = {box.kind for box in _moov(file)}
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
        unit_type = head[-1] & 0x1F
        if unit_type in (_IDR, _SLICE):
            return unit_type == _IDR
        position += table.nal_length_bytes + int.from_bytes(head[:-1], "big")
    return False


def _moov(file: BinaryIO) -> Iterator[Box]:
    """The boxes in `moov`, wherever among the top-level boxes that lies."""
    for box in isobmff.walk(file):
        if box.kind == b"moov" and not box.to_end:
            return isobmff.walk(file, box.body_start, box.end, most=_MOST_TRACKS)
    raise BoxError("there is no moov box that can be read")


def _body(file: BinaryIO, box: Box) -> memoryview:
    """The bytes in a box."""
    if box.to_end or box.end - box.start > _LARGEST_TRACK_BYTES:
        raise BoxError("a track's tables are too large, or do not say how large they are")
    file.seek(box.body_start)
    return memoryview(file.read(box.end - box.body_start))


def _table(trak: memoryview, movie_timescale: int, file_bytes: int) -> SampleTable:
    mdia = isobmff.child(trak, b"mdia")
    timescale = isobmff.timescale_of(isobmff.child(mdia, b"mdhd"))
    stbl = isobmff.child(mdia, b"minf", b"stbl")
    sizes = _sizes(isobmff.child(stbl, b"stsz"))
    count = len(sizes)
    stts = isobmff.child(stbl, b"stts")
    times: Iterable[int] = accumulate(islice(_expanded(stts, count, "I"), count - 1), initial=0)
    ctts = isobmff.find(stbl, b"ctts")
    if ctts is not None:  # signed in practice, whatever the version says
        times = map(operator.add, times, _expanded(ctts, count, "i"))
    pts = array("q", times)
    last = max(range(count), key=pts.__getitem__)
    shift = _edit_shift(trak, timescale, movie_timescale, pts[last])
    keys = _keys(isobmff.find(stbl, b"stss"), count)
    positions = _positions(stbl, sizes, file_bytes)
    if not keys or keys[0] != 0 or positions[-1] + sizes[-1] > file_bytes:
        raise BoxError("the first sample is no key frame, or the last one is not there")
    if shift:
        pts = array("q", map((-shift).__add__, pts))
    nal_length_bytes = _nal_length(isobmff.child(stbl, b"stsd"))
    last_ticks = next(islice(_expanded(stts, count, "I"), last, None))
    return SampleTable(timescale, pts, keys, sizes, positions, nal_length_bytes, last_ticks)


def _sizes(stsz: memoryview) -> "array[int]":
    """The size of each sample (8.7.3.2)."""
    same_size, count = isobmff.fields("II", stsz, 4)
    if same_size or not 0 < count <= _MOST_SAMPLES:
        raise BoxError(f"{count} samples are none or too many, or all are of one size, as no video's are")
    return isobmff.numbers("I", _rows(stsz, 4, skip=8))


def _rows(body: memoryview, row_bytes: int, skip: int = 4) -> memoryview:
    """The rows of a table that says after `skip` bytes how many they are. Raises BoxError when they are not there."""
    (count,) = isobmff.fields("I", body, skip)
    if count > _MOST_SAMPLES or count * row_bytes > len(body) - skip - 4:
        raise BoxError(f"a table says that it has {count} rows, more than there is room for")
    return body[skip + 4 : skip + 4 + count * row_bytes]


def _expanded(body: memoryview, samples: int, letter: str) -> Iterator[int]:
    """A run-length table, (count, value) in each row, as the value of each sample in turn (8.6.1).

    `letter` is the value's in `struct`. Raises BoxError at once when it is not a table of so many `samples`.
    """
    rows, layout = _rows(body, 8), f">I{letter}"
    if sum(count for count, _ in struct.iter_unpack(layout, rows)) != samples:
        raise BoxError("a table has more or fewer samples than the track")
    return chain.from_iterable(repeat(value, count) for count, value in struct.iter_unpack(layout, rows))


def _keys(stss: memoryview | None, count: int) -> "array[int]":
    """Which samples are sync samples, from 0 (8.6.2): all where there is no table."""
    if stss is None:
        return array("I", range(count))
    numbers = isobmff.numbers("I", _rows(stss, 4))
    if any(map(operator.ge, numbers, numbers[1:])) or (
        numbers and not 0 < numbers[0] <= numbers[-1] <= count
    ):
        raise BoxError("the sync samples are not in order, or not of the track")
    return array("I", map((-1).__add__, numbers))


def _positions(stbl: memoryview, sizes: "array[int]", file_bytes: int) -> "array[int]":
    """Where each sample begins: chunks (8.7.5), and how many samples are in each (8.7.4)."""
    co64 = isobmff.find(stbl, b"co64")
    letter, table = ("Q", co64) if co64 is not None else ("I", isobmff.child(stbl, b"stco"))
    chunks = isobmff.numbers(letter, _rows(table, array(letter).itemsize))
    runs = _rows(isobmff.child(stbl, b"stsc"), 12)
    if len(chunks) > len(sizes) or len(runs) // 12 > len(chunks):
        raise BoxError("there are more chunks than samples, or more kinds of chunks than chunks")
    first_chunks = array("I", (row[0] for row in struct.iter_unpack(">III", runs)))
    samples_per_chunk = array("I", (row[1] for row in struct.iter_unpack(">III", runs)))
    positions = array("Q")
    for number, start in enumerate(chunks, 1):
        run = bisect_right(first_chunks, number) - 1
        samples = samples_per_chunk[run] if run >= 0 else 0
        if not 0 < samples <= len(sizes) - len(positions) or start > file_bytes:
            raise BoxError("a chunk holds samples that are not there")
        positions.extend(accumulate(sizes[len(positions) : len(positions) + samples - 1], initial=start))
    if len(positions) != len(sizes):
        raise BoxError("the chunks hold fewer samples than the track")
    return positions


def _edit_shift(trak: memoryview, timescale: int, movie_timescale: int, last_pts: int) -> int:
    """What the edit list takes off all times (8.6.6): nothing, or where its only edit begins."""
    edts = isobmff.find(trak, b"edts")
    if edts is None:
        return 0
    elst = isobmff.child(edts, b"elst")
    version, _ = isobmff.version_and_flags(elst)
    (count,) = isobmff.fields("I", elst, 4)
    duration, media_time, rate = isobmff.fields("Qqi" if version else "Iii", elst, 8)
    if count != 1 or not 0 <= media_time <= last_pts or rate != _NORMAL_RATE:
        raise BoxError("the edit list is more than a shift")
    if duration and duration * timescale < (last_pts - media_time) * movie_timescale:
        raise BoxError("the edit list cuts off frames at the end")
    return media_time


def _nal_length(stsd: memoryview) -> int:
    """Bytes of a NAL unit's length, from avcC (ISO/IEC 14496-15, 5.3.3.1.2); 0 when the track is not plain avc1."""
    kind, entry = first_sample_entry(stsd)
    avcc = isobmff.find(visual_entry_boxes(entry), b"avcC") if kind == b"avc1" else None
    if avcc is None:
        return 0
    (word,) = isobmff.fields("B", avcc, 4)
    return (word & 3) + 1
