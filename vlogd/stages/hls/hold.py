"""A picture that stands while there is only sound: after the last frame, or before the first one.

Nothing that people gave is cut, so the stream is as long as the longer of picture and sound. A single sample that lasts
for minutes is something players stumble over, and a segment that lasts for minutes is slow to seek in. So the picture is
repeated: in segments and GOPs of the usual length, about one frame a second. All GOPs are the same bytes, encoded once.
"""

from dataclasses import dataclass
from itertools import pairwise

from vlogd.media import bounds
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls.ladder import HlsSettings

SHORTEST_SEGMENT_TICKS = TICKS * 2 // 5
"""A last segment shorter than 0.4 s joins the one before: with a frame more, still within half a second over."""

LONGEST_SECONDS = bounds.MOST_HOURS * 3600
"""A picture that stands for longer than any film is a mistake of the file's times."""

Times = tuple[int, ...]


@dataclass(frozen=True)
class Hold:
    """Segments in which the frame with the index `frame` is repeated.

    `first` is the number of the first segment; `boundaries` are the times (published ticks) at which each segment begins
    and the last one ends. A GOP has `gop_frames` frames and lasts about `gop_ticks`.
    """

    frame: int
    first: int
    boundaries: Times
    gop_frames: int
    gop_ticks: int

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self.boundaries) - 1

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return (self.boundaries[-1] - self.boundaries[0]) / TICKS

    @property
    def frame_count(self) -> int:
        """How many frames there are in all."""
        return self.gop_frames * len(self.gops())

    def gops(self) -> list[tuple[Times, int]]:
        """The GOPs of all segments: when its frames are presented, and when the last of them ends."""
        gops = []
        for start, end in pairwise(self.boundaries):
            starts = _evenly(start, end, -((start - end) // self.gop_ticks))
            gops += [
                (_evenly(begin, until, self.gop_frames), until) for begin, until in pairwise([*starts, end])
            ]
        return gops


def between(start: int, end: int, frame: int, first: int, config: HlsSettings) -> Hold:
    """The hold from `start` to `end` (published ticks), which are further apart than the shortest segment."""
    length = config.segment_seconds * TICKS
    starts = range(start, max(start + 1, end - SHORTEST_SEGMENT_TICKS), length)
    # At least two frames: were each of them a key frame, two IDR pictures of one id would follow one another
    # (ITU-T H.264, 7.4.3, idr_pic_id).
    gop_frames = max(2, config.gop_seconds)
    return Hold(frame, first, (*starts, end), gop_frames, config.gop_seconds * TICKS)


def _evenly(start: int, end: int, count: int) -> Times:
    """`count` times from `start` to before `end`, equally far apart."""
    return tuple(start + (end - start) * number // count for number in range(count))
