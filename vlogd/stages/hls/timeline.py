"""When each frame is presented, and where the stream is cut into segments.

All published times are in ticks of 1/90000 s and start at 10 s, so that no decoding time is negative (B-frames are
decoded before they are presented, and the AAC priming frame precedes the first video frame); players map the first
time to 0. Zero of the published stream is the source's `start_time`.

Segments begin at the first frame at or after each multiple of `segment_seconds`, GOPs likewise; multiples that fall
into a gap of the source are skipped. All renditions and the audio share the boundaries. Where the source's own frames
are published too, segments begin at its key frames instead.

The last frame stands as long as the container, or the sound, says. Where that is notably longer than a frame, it is held
(`hold`); where the source's own frames are published, which cannot be repeated, its sample lasts longer. So is the first
frame, where the sound begins long before it.

A chunk is a run of whole segments that one ffmpeg encodes. The first chunk is one segment long, so that the video can
be watched as soon as possible, the others about `chunk_seconds`.
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import hold
from vlogd.stages.hls.hold import SHORTEST_SEGMENT_TICKS, Hold
from vlogd.stages.hls.ladder import HlsSettings

_OVER_TARGET_TICKS = TICKS // 2
"""A segment may be half a second over the target duration (Apple 7.7)."""

_PADDING_TICKS = TICKS // 10
"""Sound that outlasts the picture by less is padding: encoders fill up their last frame, of AAC or MP3 up to 50 ms."""

_HIGHEST_FRAME_RATE = 1000
"""An average rate beyond that is no frame rate but the time base of a file with a variable one."""

_DEFAULT_FRAME_TICKS = TICKS // 25

_DROP_THRESHOLD = Fraction(49, 100)
"""Frames are dropped from 1.01 times the highest frame rate on: round(1.01 + 0.49) is 2, round(1.0 + 0.49) is 1."""


@dataclass(frozen=True)
class Chunk:
    """The segments from `first` to before `last`, encoded together."""

    number: int
    first: int
    last: int


@dataclass(frozen=True)
class Timeline:
    """The kept frames and the cuts between them.

    `pts`: the presentation time of each kept frame in published ticks, sorted. `end`: when the last frame ends.
    `cuts`: the indexes of the frames that begin a segment; `keys`: of those that begin a GOP. `keep_every`: 2 when
    every second frame is dropped. `source_bytes`: how many bytes the source's own frames take in each segment, where
    segments begin at its key frames; else empty. `before`, `after`: the first frame is held before it is presented, the
    last one after its end. `is_stretched`: the last frame's sample lasts until the sound ends.
    """

    pts: "array[int]"
    end: int
    cuts: tuple[int, ...]
    keys: tuple[int, ...]
    keep_every: int
    source_bytes: tuple[int, ...] = ()
    before: Hold | None = None
    after: Hold | None = None
    is_stretched: bool = False

    @cached_property
    def boundaries(self) -> tuple[int, ...]:
        """When each segment begins and the last one ends; the first one begins at zero."""
        before = self.before.boundaries[:-1] if self.before else ()
        start = self.pts[0] if self.before else min(OFFSET, self.pts[0])
        after = self.after.boundaries[1:] if self.after else ()
        return (*before, start, *(self.pts[cut] for cut in self.cuts[1:]), self.end, *after)

    @property
    def is_extended(self) -> bool:
        """Whether the stream is longer than its frames alone."""
        return self.is_stretched or self.before is not None or self.after is not None

    @property
    def first_segment(self) -> int:
        """The number of the segment that begins with the first frame."""
        return self.before.segments if self.before else 0

    @property
    def frame_count(self) -> int:
        """How many frames are published, held ones included."""
        return len(self.pts) + sum(held.frame_count for held in (self.before, self.after) if held)

    def frames(self, chunk: Chunk) -> tuple[int, int]:
        """The chunk's frames: the first index, and the one after the last."""
        first, last = chunk.first - self.first_segment, chunk.last - self.first_segment
        return self.cuts[first], self.cuts[last] if last < len(self.cuts) else len(self.pts)

    def gops_before(self, frame: int) -> int:
        """How many GOPs begin before the frame at an index, those of a held first frame included."""
        return bisect_left(self.keys, frame) + (len(self.before.gops()) if self.before else 0)

    def time_after(self, index: int) -> int:
        """When the frame at `index` begins; for the index after the last frame, when that ends."""
        return self.pts[index] if index < len(self.pts) else self.end

    def key_frames(self, first: int, last: int) -> tuple[int, ...]:
        """The indexes of the key frames from frame `first` to before `last`."""
        return self.keys[bisect_left(self.keys, first) : bisect_left(self.keys, last)]


Keys = tuple[tuple[int, int], ...]
"""The source's key frames: the presentation time of each (stream ticks), and the bytes from it to the next."""


@lru_cache(maxsize=4)  # one for each film that is encoded at a time: three hours of frame times take 5 MiB
def read(
    pts_path: Path,
    time_base: Fraction,
    zero_seconds: Fraction,
    frame_rate: Fraction,
    config: HlsSettings,
    source_keys: Keys = (),
    least_end: int = 0,
) -> Timeline:
    """The timeline of the frames whose times (stream ticks) are in the file `pts_path`; else as `build`."""
    source_pts = array("q")
    source_pts.frombytes(pts_path.read_bytes())
    return build(source_pts, time_base, zero_seconds, frame_rate, config, source_keys, least_end)


def build(
    source_pts: "array[int]",
    time_base: Fraction,
    zero_seconds: Fraction,
    frame_rate: Fraction,
    config: HlsSettings,
    source_keys: Keys = (),
    least_end: int = 0,
) -> Timeline:
    """The timeline of frames that are presented at `source_pts` (stream ticks, sorted, each once).

    With `source_keys`, segments begin at those key frames only. `least_end` (published ticks): until when there is
    something to be seen or heard, as far as that is known.
    """
    scale = time_base * TICKS
    shift = OFFSET - round(zero_seconds * TICKS)
    kept = keep_every(frame_rate, config.max_frame_rate)
    pts = array(
        "q",
        (_rounded(tick * scale.numerator, scale.denominator) + shift for tick in source_pts[::kept]),
    )
    end = pts[-1] + _last_duration(pts, frame_rate / kept)
    is_longer = _PADDING_TICKS < least_end - end <= hold.LONGEST_SECONDS * TICKS
    is_stretched = is_longer and (bool(source_keys) or least_end - end <= SHORTEST_SEGMENT_TICKS)
    end = least_end if is_stretched else end
    if source_keys:
        key_indexes = [bisect_left(source_pts, time) for time, _ in source_keys]
        cuts = _cuts_at_keys(pts, end, key_indexes, config.segment_seconds)
        source_bytes = _bytes_of_segments(cuts, key_indexes, source_keys)
    else:
        cuts, source_bytes = _on_grid(pts, config.segment_seconds), ()
        if len(cuts) > 1 and end - pts[cuts[-1]] < SHORTEST_SEGMENT_TICKS:
            cuts = cuts[:-1]
    keys = sorted({*cuts, *_on_grid(pts, config.gop_seconds)})
    built = Timeline(pts, end, tuple(cuts), tuple(keys), kept, source_bytes, is_stretched=is_stretched)
    return built if source_keys else _held(built, least_end if is_longer else 0, config)


def _held(timeline: Timeline, least_end: int, config: HlsSettings) -> Timeline:
    """The timeline with its first frame held from zero on, and its last one until `least_end`, where that is long."""
    before = after = None
    first = timeline.pts[0]
    if first - OFFSET > config.segment_seconds * TICKS + _OVER_TARGET_TICKS:
        before = hold.between(OFFSET, first, 0, 0, config)
    if least_end > timeline.end:
        timeline = _with_whole_segment(timeline, least_end)
        if least_end > timeline.end:
            number = len(timeline.cuts) + (before.segments if before else 0)
            after = hold.between(timeline.end, least_end, len(timeline.pts) - 1, number, config)
    return replace(timeline, before=before, after=after)


def _with_whole_segment(timeline: Timeline, least_end: int) -> Timeline:
    """The only segment of a still, or of a few frames, lasts a second."""
    if timeline.end - timeline.pts[timeline.cuts[-1]] >= SHORTEST_SEGMENT_TICKS:
        return timeline
    second = timeline.pts[timeline.cuts[-1]] + TICKS
    end = second if least_end - second > SHORTEST_SEGMENT_TICKS else least_end
    return replace(timeline, end=end, is_stretched=True)


def _cuts_at_keys(pts: "array[int]", end: int, key_indexes: list[int], segment_seconds: int) -> list[int]:
    """Cuts at key frames, each segment as long as it may be."""
    cuts = [0]
    longest = segment_seconds * TICKS + _OVER_TARGET_TICKS
    for key, next_key in pairwise([*key_indexes, len(pts)]):
        gop_end = pts[next_key] if next_key < len(pts) else end
        if key and gop_end - pts[cuts[-1]] > longest:
            cuts.append(key)
    return cuts


def _bytes_of_segments(cuts: list[int], key_indexes: list[int], source_keys: Keys) -> tuple[int, ...]:
    """How many bytes of the source's GOPs are in each segment."""
    taken = [0] * len(cuts)
    for index, (_, size) in zip(key_indexes, source_keys, strict=True):
        taken[bisect_right(cuts, index) - 1] += size
    return tuple(taken)


def chunks(segments: int, config: HlsSettings, begin: int = 0) -> list[Chunk]:
    """How `segments` segments from number `begin` on are shared out: one, then runs of about `chunk_seconds`.

    The last runs are half as long, so that the very last one does not run alone for long while other cores idle.
    """
    length = max(1, round(config.chunk_seconds / config.segment_seconds))
    half = max(1, length // 2)
    first_half = max(1, segments - 3 * half)
    starts = [0, *range(1, first_half, length)]
    starts += range(min(starts[-1] + length, segments) if starts[-1] else 1, segments, half)
    return [
        Chunk(number, begin + first, begin + last)
        for number, (first, last) in enumerate(zip(starts, [*starts[1:], segments], strict=True))
    ]


def even_boundaries(duration_seconds: float, config: HlsSettings) -> tuple[int, ...]:
    """Segment boundaries where there is only audio, in published ticks.

    A file whose duration is unknown even from its packets counts as one second long.
    """
    length = round(max(duration_seconds, 1.0) * TICKS)
    starts = range(0, max(1, length - _OVER_TARGET_TICKS), config.segment_seconds * TICKS)
    return tuple(OFFSET + tick for tick in (*starts, length))


def _rounded(numerator: int, denominator: int) -> int:
    """A fraction to the nearest integer, halves away from zero, as ffmpeg's av_rescale_q rounds."""
    if numerator < 0:
        return -((-2 * numerator + denominator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def keep_every(frame_rate: Fraction, max_frame_rate: int) -> int:
    """1 when all frames are published, 2 for every second one, by the highest frame rate that is configured."""
    if not max_frame_rate or frame_rate > _HIGHEST_FRAME_RATE:
        return 1
    return max(1, round(frame_rate / max_frame_rate + _DROP_THRESHOLD))


def _last_duration(pts: "array[int]", frame_rate: Fraction) -> int:
    """How long the last frame is presented: as long as the one before, or one frame, at most a second."""
    one_frame = round(TICKS / frame_rate) if frame_rate > 0 else _DEFAULT_FRAME_TICKS
    return max(1, min(TICKS, pts[-1] - pts[-2] if len(pts) > 1 else one_frame))


def _on_grid(pts: "array[int]", seconds: int) -> list[int]:
    """The indexes of the first frames at or after each multiple of `seconds` from the start."""
    length = seconds * TICKS
    indexes: list[int] = []
    tick = pts[0]
    while tick <= pts[-1]:
        indexes.append(bisect_left(pts, tick))
        # On to the first multiple behind this frame: the steps are as many as frames, however long the gaps are.
        tick += ((pts[indexes[-1]] - tick) // length + 1) * length
    return indexes
