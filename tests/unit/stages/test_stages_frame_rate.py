"""The frame rate is that of the frames' own times; the container's word counts where it agrees with them."""

from array import array
from fractions import Fraction

import pytest

from vlogd.stages.hls import frame_rate

MILLISECOND = Fraction(1, 1000)


def steady(rate: Fraction, count: int = 50) -> "array[int]":
    """Frames at a constant rate, in rounded milliseconds."""
    return array("q", (round(number * 1000 / rate) for number in range(count)))


@pytest.mark.parametrize("listed", [Fraction(1000), Fraction(90_000), Fraction(1), Fraction(120)])
def test_a_rate_that_is_made_up_is_not_believed(listed: Fraction) -> None:
    """Thirty frames a second remain thirty, although their times are rounded."""
    found = frame_rate.believed(steady(Fraction(30)), MILLISECOND, listed)
    assert abs(found - 30) < Fraction(1, 5)


@pytest.mark.parametrize(
    "listed", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60), Fraction(240)]
)
def test_an_exact_rate_is_kept(listed: Fraction) -> None:
    """Times in milliseconds are too coarse to correct it."""
    assert frame_rate.believed(steady(listed), MILLISECOND, listed) == listed


def test_pauses_do_not_count() -> None:
    """A screen recording of 60 frames a second with a pause in it."""
    times = steady(Fraction(60))
    times.extend(time + 20_000 for time in steady(Fraction(60)))
    assert abs(frame_rate.believed(times, MILLISECOND, Fraction(5)) - 60) < 1


def test_one_frame_tells_nothing() -> None:
    """It has no distance to another."""
    assert frame_rate.believed(array("q", [5]), MILLISECOND, Fraction(25)) == 25
