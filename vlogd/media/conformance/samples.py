"""What is in a track's segments: when samples are shown, which are key frames, how long each segment is.

Fragmented MP4 is read here; for other segments (MPEG-TS, packed AAC) ffprobe lists the packets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed
from vlogd.media import ffmpeg
from vlogd.media.isobmff import BoxError
from vlogd.media.process import Limits
from vlogd.media.streaming import codecs, fragment_reader
from vlogd.media.streaming.codecs import InitTrack
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.hls_reader import MediaPlaylist, Segment
from vlogd.media.streaming.tracks import TICKS

_MOST_SAMPLES = 10_000_000
"""Of one track: two days at 60 frames a second. A stream that lists more is not examined further."""


@dataclass(frozen=True)
class SegmentSamples:
    """One segment. Times are ticks of the track's `timescale`; `fault` says what is wrong with the file.

    `decode_time`: of the first sample, and `duration` of all together; both None where the container does
    not say (MPEG-TS). `pts` are sorted. `keys`: when key frames are shown.
    """

    pts: Sequence[int]
    keys: Sequence[int]
    starts_with_key: bool
    decode_time: int | None
    duration: int | None
    size_bytes: int
    fault: str = ""


@dataclass(frozen=True)
class TrackSamples:
    """All segments of a track, None for gaps.

    `init` is None for MPEG-TS; where there is an init segment that cannot be used, `init_fault` says why, and its
    segments were not looked at.
    """

    init: InitTrack | None
    timescale: int
    segments: tuple[SegmentSamples | None, ...]
    init_fault: str = ""


def read(playlist: MediaPlaylist, limits: Limits, stop: Stop | None) -> TrackSamples:
    """The samples of one media playlist. Raises Stopping, and Unavailable when ffprobe cannot be run."""
    init_path = next((segment.init for segment in playlist.segments if segment.init), None)
    init: InitTrack | None = None
    if init_path is not None and init_path.is_file():
        try:
            with init_path.open("rb") as file:
                init = codecs.init_track(fragment_reader.init_bytes(file))
        except BoxError as error:
            return TrackSamples(None, TICKS, (None,) * len(playlist.segments), str(error))
    samples: list[SegmentSamples | None] = []
    room = _MOST_SAMPLES
    for segment in playlist.segments:
        if segment.path is None:
            samples.append(None)
            continue
        if not segment.path.is_file():
            part = _faulty(0, "it is not there")
        elif init:
            part = _mp4(segment, segment.path, room)
        else:
            part = _other(segment.path, limits, stop)
        room -= len(part.pts)
        samples.append(part)
    return TrackSamples(init, init.timescale if init else TICKS, tuple(samples))


def _faulty(size_bytes: int, fault: str) -> SegmentSamples:
    return SegmentSamples(
        (), (), starts_with_key=False, decode_time=None, duration=None, size_bytes=size_bytes, fault=fault
    )


def _mp4(segment: Segment, path: Path, room: int) -> SegmentSamples:
    file_bytes = path.stat().st_size
    start, length = segment.span or (0, file_bytes)
    if not length or start >= file_bytes:
        return _faulty(0, "it is empty")
    try:
        with path.open("rb") as file:
            fragments = _fragments(file, start, start + length, room)
            whole = fragment_reader.is_whole(file, start, start + length)
    except BoxError as error:
        return _faulty(length, f"its boxes make no sense: {error}")
    if not whole or not any(fragment.pts for fragment in fragments):
        return _faulty(length, "it is cut off, or holds no samples")
    return SegmentSamples(
        pts=sorted(time for fragment in fragments for time in fragment.pts),
        keys=sorted(
            time
            for fragment in fragments
            for time, key in zip(fragment.pts, fragment.sync, strict=True)
            if key
        ),
        starts_with_key=next(fragment.sync[0] for fragment in fragments if fragment.pts),
        decode_time=fragments[0].decode_time,
        duration=sum(fragment.duration for fragment in fragments),
        size_bytes=length,
        fault=_contradiction(fragments, start, start + length),
    )


def _fragments(file: BinaryIO, start: int, end: int, room: int) -> list[Fragment]:
    fragments: list[Fragment] = []
    for fragment, _ in fragment_reader.fragments(file, start, end):
        fragments.append(fragment)
        room -= len(fragment.pts)
        if room < 0:
            raise BoxError(f"the track has more than {_MOST_SAMPLES} samples")
    return fragments


def _contradiction(fragments: Sequence[Fragment], start: int, end: int) -> str:
    """What is wrong with fragments that could be read; "" when nothing is."""
    if any(
        before.decode_time + before.duration != after.decode_time for before, after in pairwise(fragments)
    ):
        return "its fragments do not follow one another without a gap"
    if any(part.data_at < start or part.data_at + sum(part.sizes) > end for part in fragments):
        return "its samples reach beyond its end"
    return ""


def _other(path: Path, limits: Limits, stop: Stop | None) -> SegmentSamples:
    lines: list[str] = []
    size_bytes = path.stat().st_size
    try:
        ffmpeg.probe_lines(path, "-show_entries", "packet=codec_type,pts,flags",
                           "-of", "csv=p=0", on_line=lines.append, limits=limits, stop=stop)  # fmt: skip
    except ToolFailed as error:
        return _faulty(size_bytes, str(error))
    packets = list(_packets(lines))
    kinds = [kind for kind, _, _ in packets]
    kind = "video" if "video" in kinds else next(iter(kinds), "")
    of_kind = [packet for packet in packets if packet[0] == kind]
    if not of_kind:
        return _faulty(size_bytes, "it holds no samples")
    return SegmentSamples(
        pts=sorted(time for _, time, _ in of_kind),
        keys=sorted(time for _, time, key in of_kind if key),
        starts_with_key=of_kind[0][2],
        decode_time=None,
        duration=None,
        size_bytes=size_bytes,
    )


def _packets(lines: Sequence[str]) -> Iterator[tuple[str, int, bool]]:
    """Each packet's kind of stream, its presentation time, and whether it is a key frame."""
    for line in lines:
        kind, pts, flags, *_ = [*line.split(","), "", ""]
        if pts.lstrip("-").isdigit():
            yield kind, int(pts), "K" in flags
