"""Reads the fragments of an MP4 file or segment: `moof` and `mdat` in turn (ISO/IEC 14496-12, 8.8).

They are written by ffmpeg's mp4 muxer, perhaps still growing, or published by somebody else. Nothing is trusted: a run
may list only samples that its bytes have room for. Sample data stays in the file.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from vlogd.media import isobmff
from vlogd.media.isobmff import Box, BoxError, TruncatedBox

_LARGEST_INIT_BYTES = 16 << 20
"""An init segment has some kilobytes; with a cover image among its metadata, some megabytes."""
_LARGEST_MOOF_BYTES = 16 << 20
"""A million samples of 16 bytes each: four hours of 60 frames a second without a second key frame."""
_MOST_SAMPLES = 4_000_000
"""As many as `_LARGEST_MOOF_BYTES` can list with 4 bytes each; reading them takes 100 MiB."""

_FURTHEST_TICKS = 1 << 62
"""Times stay far enough from the end of 64 bits that adding offsets to them cannot overflow."""

_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800
"""Flags of `trun`: what stands before its rows, and in each row (8.8.8.1)."""
_IS_NON_SYNC = 0x10000
"""The sample flag sample_is_non_sync_sample (8.8.3.1)."""


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


@dataclass(frozen=True)
class _Defaults:
    """The defaults in `tfhd` for samples whose run gives none (8.8.7)."""

    duration: int
    size: int
    flags: int


@dataclass(frozen=True)
class _Run:
    """The samples of one `trun`, as columns."""

    data_offset: int
    durations: Sequence[int]
    sizes: Sequence[int]
    offsets: Sequence[int]
    sync: Sequence[bool]


def init_bytes(file: BinaryIO) -> bytes:
    """`ftyp` and `moov` as they stand at the file's start; empty while they are not whole. Raises BoxError."""
    for box in _whole_boxes(file, 0):
        if box.kind == b"moov":
            if box.end > _LARGEST_INIT_BYTES:
                raise BoxError(f"an init segment of {box.end} bytes is too large")
            file.seek(0)
            return file.read(box.end)
    return b""


def fragments(file: BinaryIO, start: int, end: int | None = None) -> Iterator[tuple[Fragment, int]]:
    """The whole fragments from `start` to `end` (None: the file's end), each with the position behind it.

    The file may grow meanwhile. Raises BoxError for a fragment that makes no sense.
    """
    moof: tuple[memoryview, int] | None = None
    for box in _whole_boxes(file, start, end):
        if box.kind == b"moof":
            moof = _moof_body(file, box), box.start
        elif box.kind == b"mdat" and moof is not None:
            yield _parse(*moof, box.end - box.body_start), box.end
            moof = None


def is_whole(file: BinaryIO, start: int, end: int) -> bool:
    """Whether boxes fill a file from `start` to `end`. Raises BoxError when their sizes make no sense."""
    position = start
    for box in _whole_boxes(file, start, end):
        position = box.end
    return position == end > start


def read_span(path: Path, start: int, length: int) -> bytes:
    """`length` bytes of a file from `start` on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _whole_boxes(file: BinaryIO, start: int, end: int | None = None) -> Iterator[Box]:
    """The boxes that are all there; the last one may still be growing and is left out."""
    with suppress(TruncatedBox):
        for box in isobmff.walk(file, start, end):
            if box.to_end:
                return
            yield box


def _moof_body(file: BinaryIO, box: Box) -> memoryview:
    if box.end - box.start > _LARGEST_MOOF_BYTES:
        raise BoxError(f"a moof of {box.end - box.start} bytes is too large")
    file.seek(box.body_start)
    return memoryview(file.read(box.end - box.body_start))


def _parse(moof: memoryview, moof_at: int, data_bytes: int) -> Fragment:
    """The samples of the first track in a fragment whose `mdat` holds `data_bytes`. Raises BoxError."""
    traf = isobmff.child(moof, b"traf")
    defaults = _defaults(isobmff.child(traf, b"tfhd"))
    tfdt = isobmff.child(traf, b"tfdt")
    version, _ = isobmff.version_and_flags(tfdt)
    (decode_time,) = isobmff.fields("Q" if version else "I", tfdt, 4)
    runs = _runs(traf, defaults, data_bytes)
    if not runs:
        raise BoxError("there is no trun box")
    end_time = decode_time + sum(sum(run.durations) for run in runs)
    if end_time > _FURTHEST_TICKS:
        raise BoxError("its times are too large")
    times = accumulate((ticks for run in runs for ticks in run.durations), initial=decode_time)
    offsets = (offset for run in runs for offset in run.offsets)
    return Fragment(
        data_at=moof_at + runs[0].data_offset,
        sizes=array("I", (size for run in runs for size in run.sizes)),
        pts=array("q", (time + offset for offset, time in zip(offsets, times, strict=False))),
        sync=[sync for run in runs for sync in run.sync],
        decode_time=decode_time,
        duration=end_time - decode_time,
    )


def _defaults(tfhd: memoryview) -> _Defaults:
    _, flags = isobmff.version_and_flags(tfhd)
    offset = 8  # behind version, flags and track_ID
    values: list[int] = []
    for bit, letter, length in ((0x1, "Q", 8), (0x2, "I", 4), (0x8, "I", 4), (0x10, "I", 4), (0x20, "I", 4)):
        value = 0
        if flags & bit:
            (value,) = isobmff.fields(letter, tfhd, offset)
            offset += length
        values.append(value)
    return _Defaults(*values[2:])


def _runs(traf: memoryview, defaults: _Defaults, data_bytes: int) -> list[_Run]:
    runs: list[_Run] = []
    samples = 0
    for kind, body in isobmff.children(traf):
        if kind == b"trun":
            runs.append(_run(body, defaults, data_bytes))
            samples += len(runs[-1].sizes)
            if samples > _MOST_SAMPLES:
                raise BoxError(f"a fragment of more than {_MOST_SAMPLES} samples is too large")
    return runs


def _run(trun: memoryview, defaults: _Defaults, data_bytes: int) -> _Run:
    version, flags = isobmff.version_and_flags(trun)
    (count,) = isobmff.fields("I", trun, 4)
    position = 8
    data_offset, first_flags = 0, None
    if flags & _DATA_OFFSET:
        (data_offset,) = isobmff.fields("i", trun, position)
        position += 4
    if flags & _FIRST_FLAGS:
        (first_flags,) = isobmff.fields("I", trun, position)
        position += 4
    columns = [bit for bit in (_DURATION, _SIZE, _FLAGS, _COMPOSITION) if flags & bit]
    _check_count(count, 4 * len(columns), len(trun) - position, defaults.size, data_bytes)
    values = isobmff.numbers("I", trun[position : position + 4 * len(columns) * count])

    def column(bit: int, default: int) -> "array[int]":
        if bit in columns:
            return values[columns.index(bit) :: len(columns)]
        return array("I", [default]) * count

    sync = [not value & _IS_NON_SYNC for value in column(_FLAGS, defaults.flags)]
    if first_flags is not None and sync and _FLAGS not in columns:
        sync[0] = not first_flags & _IS_NON_SYNC
    offsets = column(_COMPOSITION, 0)
    return _Run(
        data_offset,
        column(_DURATION, defaults.duration),
        column(_SIZE, defaults.size),
        isobmff.signed(offsets) if version else offsets,
        sync,
    )


def _check_count(count: int, row_bytes: int, rows_bytes: int, default_size: int, data_bytes: int) -> None:
    """Raise BoxError when there is no room for `count` samples: neither rows that name them, nor bytes that they are."""
    if row_bytes:
        fits = count * row_bytes <= rows_bytes
    else:
        fits = count <= _MOST_SAMPLES and count * max(1, default_size) <= data_bytes
    if not fits:
        raise BoxError(f"a trun says that it has {count} samples, more than there is room for")
