"""When each picture is shown, and where the stream is cut.

All published times are in ticks of 1/90000 s, with 10 s added so that no decoding time is negative
(the AAC priming packet lies before the first picture); players map the first time to 0. `ZERO` is
the source's `start_time`.

Cuts lie on the frame grid: a segment begins with the first picture at or after k x segment_seconds,
a GOP likewise. Grid points inside a hole are skipped. All renditions and the sound share the cuts.
Where the source's own pictures are published too, cuts lie on its key frames instead.
A chunk is a run of whole segments, encoded by one ffmpeg: the first chunk is one segment long, so
that the video can be watched as soon as possible, the others about `chunk_seconds`.
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls.ladder import HlsSettings

_OVER_TARGET = TICKS // 2
"""A segment may be half a second over its target [7.7]."""
_SHORTEST_SEGMENT = TICKS * 2 // 5
"""A last segment shorter than 0.4 s joins the one before: within the 0.5 s that may go over [7.7]."""


@dataclass(frozen=True)
class Chunk:
    """Segments `first` to `last` (not included), encoded together."""

    number: int
    first: int
    last: int


@dataclass(frozen=True)
class Timeline:
    """The kept pictures and the cuts between them.

    `pts`: when each kept picture is shown, published ticks, sorted. `keep_every`: 2 when every
    second picture is dropped. `cuts`: indexes of the pictures that begin a segment; `keys`: of those
    that begin a GOP. `end`: when the last picture ends. `source_bytes`: what the source's own pictures
    take in each segment, when the cuts lie on its key frames; else empty.
    """

    pts: "array[int]"
    end: int
    cuts: tuple[int, ...]
    keys: tuple[int, ...]
    keep_every: int
    source_bytes: tuple[int, ...] = ()

    @property
    def borders(self) -> list[int]:
        """When the segments begin, and when the last one ends; the first begins at zero."""
        return [min(OFFSET, self.pts[0]), *(self.pts[cut] for cut in self.cuts[1:]), self.end]

    def frames(self, chunk: Chunk) -> tuple[int, int]:
        """The chunk's pictures: first index and last index (not included)."""
        return self.cuts[chunk.first], self.cuts[chunk.last] if chunk.last < len(self.cuts) else len(self.pts)

    def time_after(self, index: int) -> int:
        """When the picture at `index` begins; behind the last one, when it ends."""
        return self.pts[index] if index < len(self.pts) else self.end


Keys = tuple[tuple[int, int], ...]
"""Key frames of the source: when each is shown (stream ticks), and the bytes from it to the next."""


@lru_cache(maxsize=4)
def read(
    pts_path: Path,
    time_base: Fraction,
    zero_seconds: Fraction,
    frame_rate: Fraction,
    config: HlsSettings,
    source_keys: Keys = (),
) -> Timeline:
    """The timeline of the pictures whose times (stream ticks) lie in `pts_path`."""
    raw = array("q")
    raw.frombytes(pts_path.read_bytes())
    return plan(raw, time_base, zero_seconds, frame_rate, config, source_keys)


def plan(
    raw: "array[int]",
    time_base: Fraction,
    zero_seconds: Fraction,
    frame_rate: Fraction,
    config: HlsSettings,
    source_keys: Keys = (),
) -> Timeline:
    """The timeline of pictures shown at `raw` (stream ticks, sorted, each once).

    With `source_keys`, cuts lie on those key frames only.
    """
    scale = time_base * TICKS
    shift = OFFSET - round(zero_seconds * TICKS)
    keep_every = _keep_every(frame_rate, config)
    pts = array(
        "q", (_rounded(tick * scale.numerator, scale.denominator) + shift for tick in raw[::keep_every])
    )
    end = pts[-1] + _last_duration(pts, frame_rate / keep_every)
    if source_keys:
        indexes = [bisect_left(raw, time) for time, _ in source_keys]
        cuts = _at_keys(pts, end, indexes, config.segment_seconds)
    else:
        cuts = _grid(pts, config.segment_seconds)
        if len(cuts) > 1 and end - pts[cuts[-1]] < _SHORTEST_SEGMENT:
            cuts = cuts[:-1]
    keys = sorted({*cuts, *_grid(pts, config.gop_seconds)})
    taken = [0] * (len(cuts) if source_keys else 0)
    for index, (_, size) in zip(indexes if source_keys else (), source_keys, strict=True):
        taken[bisect_right(cuts, index) - 1] += size
    return Timeline(pts, end, tuple(cuts), tuple(keys), keep_every, tuple(taken))


def _at_keys(pts: "array[int]", end: int, keys: list[int], seconds: int) -> list[int]:
    """Cuts at key frames, each segment as long as it may be."""
    cuts = [0]
    longest = seconds * TICKS + _OVER_TARGET
    for key, after in pairwise([*keys, len(pts)]):
        until = pts[after] if after < len(pts) else end
        if key and until - pts[cuts[-1]] > longest:
            cuts.append(key)
    return cuts


def chunks(segments: int, config: HlsSettings) -> list[Chunk]:
    """How `segments` segments are shared out: one, then runs of about `chunk_seconds`, short ones at the end.

    The last runs are half as long, so that the last one alone does not keep a core waiting.
    """
    length = max(1, round(config.chunk_seconds / config.segment_seconds))
    half = max(1, length // 2)
    short = max(1, segments - 3 * half)
    starts = [0, *range(1, short, length)]
    starts += range(min(starts[-1] + length, segments) if starts[-1] else 1, segments, half)
    return [
        Chunk(number, first, last)
        for number, (first, last) in enumerate(zip(starts, [*starts[1:], segments], strict=True))
    ]


def _rounded(numerator: int, denominator: int) -> int:
    """A fraction to the nearest integer, halves away from zero, as ffmpeg's av_rescale_q rounds."""
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def _keep_every(frame_rate: Fraction, config: HlsSettings) -> int:
    if not config.max_frame_rate or frame_rate > 1000:  # noqa: PLR2004 - a made-up rate of a variable one
        return 1
    return max(1, round(frame_rate / config.max_frame_rate + Fraction(49, 100)))


def _last_duration(pts: "array[int]", frame_rate: Fraction) -> int:
    """How long the last picture stands: as long as the one before, or a frame, at most a second."""
    usual = round(TICKS / frame_rate) if frame_rate > 0 else TICKS // 25
    return max(1, min(TICKS, pts[-1] - pts[-2] if len(pts) > 1 else usual))


def _grid(pts: "array[int]", seconds: int) -> list[int]:
    """Indexes of the first pictures at or after each multiple of `seconds` from the start."""
    start, step = pts[0], seconds * TICKS
    points = range(start, pts[-1] + 1, step)
    return sorted({bisect_left(pts, point) for point in points})
