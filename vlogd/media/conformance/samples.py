"""What is in a track's segments: when samples are shown, which are key frames, how long each segment is.

Fragmented MP4 is read here; other segments (MPEG-TS, packed AAC) are asked of ffprobe.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed
from vlogd.media import ffmpeg
from vlogd.media.process import Limits
from vlogd.media.streaming import codecs, fragments
from vlogd.media.streaming.hls_reader import MediaPlaylist, Segment

_TS_TICKS = 90_000


@dataclass(frozen=True)
class Samples:
    """One segment. Times are ticks of the track's `timescale`; `fault` says what is wrong with the file.

    `decode_time`: of the first sample, and `length` of all together; both None where the container does
    not tell (MPEG-TS). `pts` are sorted. `keys`: when key frames are shown.
    """

    pts: Sequence[int]
    keys: Sequence[int]
    starts_with_key: bool
    decode_time: int | None
    length: int | None
    size_bytes: int
    fault: str = ""


@dataclass(frozen=True)
class Contents:
    """All of a track. `init` is empty for MPEG-TS; `segments` has None for gaps."""

    init: bytes
    timescale: int
    segments: tuple[Samples | None, ...]

    @property
    def is_mp4(self) -> bool:
        """Whether it is fragmented MP4."""
        return bool(self.init)


def read(playlist: MediaPlaylist, limits: Limits, stop: Stop | None) -> Contents:
    """The contents of one media playlist."""
    first_init = next((one.init for one in playlist.segments if one.init), None)
    init = first_init.read_bytes() if first_init and first_init.is_file() else b""
    ticks = codecs.timescale(init) if init else _TS_TICKS
    found: list[Samples | None] = []
    for segment in playlist.segments:
        if segment.path is None:
            found.append(None)
        elif not segment.path.is_file():
            found.append(_broken(0, "it is not there"))
        elif init:
            found.append(_mp4(segment, segment.path))
        else:
            found.append(_other(segment.path, limits, stop))
    return Contents(init, ticks, tuple(found))


def bytes_of(segment: Segment, path: Path) -> bytes:
    """A segment's own bytes."""
    if segment.span is None:
        return path.read_bytes()
    return fragments.read_span(path, *segment.span)


def _broken(size: int, fault: str) -> Samples:
    return Samples((), (), starts_with_key=False, decode_time=None, length=None, size_bytes=size, fault=fault)


def _mp4(segment: Segment, path: Path) -> Samples:
    data = bytes_of(segment, path)
    if not data:
        return _broken(0, "it is empty")
    try:
        parsed = [fragment for fragment, _ in fragments.fragments(io.BytesIO(data), 0)]
        whole = fragments.is_whole(data)
    except (ValueError, IndexError, KeyError, StopIteration, RuntimeError, fragments.struct_error) as error:
        return _broken(len(data), f"its boxes make no sense ({error})")
    if not whole or not parsed:
        return _broken(len(data), "it is cut off, or holds no samples")
    lost = [one for one in parsed if one.data_at + sum(one.sizes) > len(data)]
    overlaps = [b for a, b in pairwise(parsed) if b.decode_time != a.decode_time + a.duration]
    fault = "its samples reach beyond its end" if lost else ""
    if overlaps:
        fault = "its fragments do not follow one another without a gap"
    return Samples(
        pts=sorted(time for one in parsed for time in one.pts),
        keys=sorted(time for one in parsed for time, key in zip(one.pts, one.sync, strict=True) if key),
        starts_with_key=bool(parsed[0].sync and parsed[0].sync[0]),
        decode_time=parsed[0].decode_time,
        length=sum(one.duration for one in parsed),
        size_bytes=len(data),
        fault=fault,
    )


def _other(path: Path, limits: Limits, stop: Stop | None) -> Samples:
    lines: list[str] = []
    try:
        ffmpeg.probe_lines(path, "-show_entries", "packet=codec_type,pts,flags",
                           "-of", "csv=p=0", on_line=lines.append, limits=limits, stop=stop)  # fmt: skip
    except ToolFailed as error:
        return _broken(path.stat().st_size, str(error))
    packets = list(_packets(lines))
    leading = [one for one in packets if one[0] == packets[0][0]] if packets else []
    video = [one for one in packets if one[0] == "video"] or leading
    if not video:
        return _broken(path.stat().st_size, "it holds no samples")
    return Samples(
        pts=sorted(time for _, time, _ in video),
        keys=sorted(time for _, time, key in video if key),
        starts_with_key=video[0][2],
        decode_time=None,
        length=None,
        size_bytes=path.stat().st_size,
    )


def _packets(lines: Sequence[str]) -> Iterator[tuple[str, int, bool]]:
    for line in lines:
        kind, pts, flags, *_ = [*line.split(","), "", ""]
        if pts.lstrip("-").isdigit():
            yield kind, int(pts), "K" in flags
