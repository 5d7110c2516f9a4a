"""The largest film that vlogd takes. A file is held to it before anything is made in proportion to what it claims.

Numbers in a file cost nothing: a few bytes can claim centuries, or billions of frames.
"""

from array import array
from fractions import Fraction
from itertools import pairwise

from vlogd.media import refusals

MOST_HOURS = 100
"""Recordings of several days are shorter; a playlist of 100 hours in segments of 2 s has 180,000 entries (10 MiB)."""

MOST_FRAMES = 20_000_000
"""100 hours at 55 frames a second. Their times take 160 MB."""

MOST_GAP_HOURS = 12
"""Between two frames: the length of the first is a number of 32 bits, in 1/90000 s (ISO/IEC 14496-12, 8.8.8)."""

STATES_LENGTH = frozenset(("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flac", "wav", "w64", "aiff", "caf"))
"""Formats that say how long they are (`ffprobe.Media.format`); of others ffprobe estimates it."""

_SECONDS_OF_AN_HOUR = 3600

_LIE_FACTOR = 2
"""A video's duration that is twice and an hour longer than all that is in the file is not a subtitle that lasts longer."""


def check_duration(seconds: float) -> None:
    """Raise BadInput when a film of so many seconds is too long."""
    if not seconds <= MOST_HOURS * _SECONDS_OF_AN_HOUR:
        raise refusals.TOO_LONG.error(hours=f"{seconds / _SECONDS_OF_AN_HOUR:,.0f}", most=MOST_HOURS)


def credible_duration(claimed_seconds: float, scanned_seconds: float) -> float:
    """The claimed duration; the scanned one where the claim is far beyond anything in the file."""
    lies = claimed_seconds > scanned_seconds * _LIE_FACTOR + _SECONDS_OF_AN_HOUR
    return round(max(0.0, scanned_seconds), 6) if lies else claimed_seconds


def check_frames(count: int) -> None:
    """Raise BadInput when a track of so many frames is too long."""
    if count > MOST_FRAMES:
        raise refusals.TOO_MANY_FRAMES.error(millions=MOST_FRAMES // 1_000_000)


def check_gaps(times: "array[int]", time_base: Fraction, zero_seconds: float) -> None:
    """Raise BadInput when a frame would stand for longer than a stream can say.

    `times` are sorted, in ticks of `time_base`; `zero_seconds` is the file's time that is published as zero.
    """
    longest_seconds = MOST_GAP_HOURS * _SECONDS_OF_AN_HOUR
    if not times:
        return
    first, last = (float(time * time_base) - zero_seconds for time in (times[0], times[-1]))
    if last - min(0.0, first) <= longest_seconds:
        return
    _check_gap(0.0, first)
    longest_ticks = longest_seconds / time_base
    for before, after in pairwise(times):
        if after - before > longest_ticks:
            _check_gap(float(before * time_base) - zero_seconds, float(after * time_base) - zero_seconds)


def _check_gap(begin_seconds: float, end_seconds: float) -> None:
    hours = (end_seconds - begin_seconds) / _SECONDS_OF_AN_HOUR
    if hours > MOST_GAP_HOURS:
        begin = refusals.length(max(0.0, begin_seconds))
        raise refusals.LONG_GAP.error(time=begin, hours=f"{hours:,.0f}", most=MOST_GAP_HOURS)
