"""When frames are displayed and decoded: checked against the plan, and written so that segments join without a gap.

The times of a GOP: decoding begins at the first presentation time, and each frame is decoded as late as the following
ones allow. Then `tfdt` equals the first presentation time, nothing overlaps or leaves a gap at a segment
boundary, no composition offset is negative, and no edit list is needed; all of it also with a variable frame rate.
"""

from bisect import bisect_left
from collections.abc import Sequence

_LEAST_APART = (90, 9, 1)
"""Ticks between two decoding times, tried in turn: a tick alone looks like a discontinuity to ffmpeg."""


class Mismatch(Exception):
    """The frames do not match the plan."""


def snapped(pts: Sequence[int], planned: Sequence[int]) -> list[int]:
    """`pts` (any order) moved onto `planned` (sorted) where they differ by one tick of rounding.

    Raises Mismatch when a frame is missing, duplicated, or displayed at a time that is not planned.
    """
    if len(pts) != len(planned):
        raise Mismatch(f"{len(planned)} frames were planned, {len(pts)} came")
    times = []
    for time in pts:
        index = bisect_left(planned, time - 1)
        if index == len(planned) or abs(planned[index] - time) > 1:
            raise Mismatch(f"no frame was planned at {time}/90000 s")
        times.append(planned[index])
    if len(set(times)) != len(times):
        raise Mismatch("a frame came twice")
    return times


def decode_times(pts: Sequence[int]) -> list[int]:
    """Decoding times for frames with these presentation times, in decoding order.

    Each is as late as the following ones allow, so that the key frame, where seeks land, keeps its length: browsers
    take the distance of two decoding times for a frame's duration. Raises Mismatch when that is impossible.
    """
    for apart in _LEAST_APART:
        times: list[int] = []
        latest = max(pts) + apart
        for time in reversed(pts):
            latest = min(latest - apart, time)
            times.append(latest)
        if times[-1] == min(pts):
            return times[::-1]
    raise Mismatch("the frames are reordered more deeply than their times allow")
