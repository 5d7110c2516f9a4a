"""The sample table of an MP4 or QuickTime file: when frames are shown, and where they lie (ISO/IEC 14496-12, 8.6 and 8.7).

It is read without reading the frames: a film of any length is planned from the few megabytes of `moov`, in about a
second, also on a slow disk. Only plain files are read: one edit at most, no fragments. For all others, and wherever a
table contradicts itself, the answer is None and ffprobe reads the packets. Files are not trusted: every count is held
to the bytes that are there.
"""

import os
from array import array
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO

from vlogd.media import isobmff
from vlogd.media.isobmff import BoxError
from vlogd.media.streaming.codecs import first_sample_entry, visual_entry_boxes

_LARGEST_MOOV_BYTES = 256 << 20
"""Twice what the tables of `_MOST_SAMPLES` take, with those of an audio track as long."""
_MOST_SAMPLES = 3_000_000
"""Reading so many takes 300 MiB; they are 14 hours at 60 frames a second. Longer films are left to ffprobe."""
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
    with suppress(BoxError, OSError), path.open("rb") as file:
        moov = _moov(file)
        if isobmff.find(moov, b"mvex") is not None:
            return None
        tracks = [body for kind, body in isobmff.children(moov) if kind == b"trak"]
        if stream_index >= len(tracks):
            return None
        movie_timescale = isobmff.timescale_of(isobmff.child(moov, b"mvhd"))
        return _table(tracks[stream_index], movie_timescale, os.fstat(file.fileno()).st_size)
    return None


def is_plain(path: Path) -> bool:
    """Whether an MP4's index covers the whole file, so that its tracks' durations can be trusted."""
    with suppress(BoxError, OSError), path.open("rb") as file:
        kinds = {kind for kind, _ in isobmff.children(_moov(file))}
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


def _moov(file: BinaryIO) -> memoryview:
    """The body of `moov`, wherever among the top-level boxes it lies."""
    for box in isobmff.walk(file):
        if box.kind == b"moov" and not box.to_end:
            if box.end - box.start > _LARGEST_MOOV_BYTES:
                break
            file.seek(box.body_start)
            return memoryview(file.read(box.end - box.body_start))
    raise BoxError("there is no moov box that can be read")


def _table(trak: memoryview, movie_timescale: int, file_bytes: int) -> SampleTable:
    mdia = isobmff.child(trak, b"mdia")
    timescale = isobmff.timescale_of(isobmff.child(mdia, b"mdhd"))
    stbl = isobmff.child(mdia, b"minf", b"stbl")
    sizes = _sizes(isobmff.child(stbl, b"stsz"))
    count = len(sizes)
    durations = _expanded(isobmff.child(stbl, b"stts"), count)
    dts = array("q", accumulate(durations[:-1], initial=0))
    pts = dts
    ctts = isobmff.find(stbl, b"ctts")
    if ctts is not None:
        offsets = isobmff.signed(_expanded(ctts, count))
        pts = array("q", (time + offset for time, offset in zip(dts, offsets, strict=True)))
    last = max(range(count), key=pts.__getitem__)
    shift = _edit_shift(trak, timescale, movie_timescale, pts[last])
    keys = _keys(isobmff.find(stbl, b"stss"), count)
    positions = _positions(stbl, sizes, file_bytes)
    if not keys or keys[0] != 0 or positions[-1] + sizes[-1] > file_bytes:
        raise BoxError("the first sample is no key frame, or the last one is not there")
    shifted = array("q", (time - shift for time in pts))
    nal_length_bytes = _nal_length(isobmff.child(stbl, b"stsd"))
    return SampleTable(timescale, shifted, keys, sizes, positions, nal_length_bytes, durations[last])


def _sizes(stsz: memoryview) -> "array[int]":
    """The size of each sample (8.7.3.2)."""
    same_size, count = isobmff.fields("II", stsz, 4)
    if same_size or not 0 < count <= _MOST_SAMPLES:
        raise BoxError(f"{count} samples are none or too many, or all are of one size, as no video's are")
    return _rows(stsz, "I", skip=8)


def _rows(body: memoryview, letter: str, columns: int = 1, skip: int = 4) -> "array[int]":
    """The numbers of a table: `skip` bytes, a row count, and so many rows of `columns` numbers each."""
    (count,) = isobmff.fields("I", body, skip)
    row_bytes = columns * array(letter).itemsize
    if count > _MOST_SAMPLES or count * row_bytes > len(body) - skip - 4:
        raise BoxError(f"a table says that it has {count} rows, more than there is room for")
    return isobmff.numbers(letter, body[skip + 4 : skip + 4 + count * row_bytes])


def _expanded(body: memoryview, samples: int) -> "array[int]":
    """A run-length table, (count, value) in each row, written out for all `samples` (8.6.1)."""
    rows = _rows(body, "I", 2)
    values = array("I")
    for count, value in zip(rows[::2], rows[1::2], strict=True):
        if len(values) + count > samples:
            raise BoxError("a table has more samples than the track")
        values.extend(array("I", [value]) * count)
    if len(values) != samples:
        raise BoxError("a table has fewer samples than the track")
    return values


def _keys(stss: memoryview | None, count: int) -> "array[int]":
    """Which samples are sync samples, from 0 (8.6.2): all where there is no table."""
    if stss is None:
        return array("I", range(count))
    keys = array("q", (number - 1 for number in _rows(stss, "I")))
    if any(before >= after for before, after in pairwise([-1, *keys, count])):
        raise BoxError("the sync samples are not in order, or not of the track")
    return keys


def _positions(stbl: memoryview, sizes: "array[int]", file_bytes: int) -> "array[int]":
    """Where each sample begins: chunks (8.7.5), and how many samples are in each (8.7.4)."""
    co64 = isobmff.find(stbl, b"co64")
    chunks = _rows(co64, "Q") if co64 is not None else _rows(isobmff.child(stbl, b"stco"), "I")
    runs = _rows(isobmff.child(stbl, b"stsc"), "I", 3)
    first_chunks, samples_per_chunk = runs[::3], runs[1::3]
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
