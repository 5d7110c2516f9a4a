"""How many frames a second a video has: by the times of its frames.

What containers say may be made up: where they have no rate, or frames at odd times, it is their clock's (1000, 90,000), or a
guess from the first frames. Believing it would throw frames away.
"""

from array import array
from fractions import Fraction
from functools import lru_cache
from operator import sub
from pathlib import Path

_TOLERANCE = Fraction(1, 10)
"""A rate is believed that differs by less: it is exact (30000/1001), where times may be rounded to milliseconds."""

_MOST_DENOMINATOR = 1001
"""That of the rates of NTSC."""


@lru_cache(maxsize=16)  # for each film that is worked on; a film's times are read once for all its parts
def read(pts_path: Path, time_base: Fraction, listed: Fraction) -> Fraction:
    """The rate of the frames whose times (stream ticks) are in the file `pts_path`; else as `believed`."""
    pts = array("q")
    pts.frombytes(pts_path.read_bytes())
    return believed(pts, time_base, listed)


def believed(pts: "array[int]", time_base: Fraction, listed: Fraction) -> Fraction:
    """Frames a second of a video whose frames are presented at `pts` (stream ticks, sorted, each once).

    The rate that the container has `listed`, where it agrees with them, or where there are too few frames to tell.
    """
    if len(pts) < 2:  # noqa: PLR2004 - a distance has two ends
        return listed
    distances = array("q", map(sub, pts[1:], pts))
    median = sorted(distances)[len(distances) // 2]
    # Rounded times alternate, 33 and 34 ms: their mean is exact.
    usual = [distance for distance in distances if abs(distance - median) <= 1]
    rate: Fraction = Fraction(len(usual)) / (sum(usual) * time_base)
    if abs(listed - rate) <= rate * _TOLERANCE:
        return listed
    return rate.limit_denominator(_MOST_DENOMINATOR)
