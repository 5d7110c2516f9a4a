"""The largest film that is taken."""

from array import array
from fractions import Fraction

import pytest

from vlogd.core.errors import BadInput
from vlogd.media import bounds


def test_a_hundred_hours_are_taken() -> None:
    """And no second more; what is no number is refused too."""
    bounds.check_duration(360_000.0)
    bounds.check_frames(20_000_000)
    with pytest.raises(BadInput, match=r"claims to last 596,523 hours; vlogd takes at most 100\. If"):
        bounds.check_duration(2_147_483_647)
    for seconds in (360_001.0, float("inf"), float("nan")):
        with pytest.raises(BadInput):
            bounds.check_duration(seconds)
    with pytest.raises(BadInput, match="more than 20 million frames"):
        bounds.check_frames(20_000_001)


def test_a_claim_counts_as_far_as_it_is_credible() -> None:
    """A subtitle may last longer than the film; ten thousand years are none."""
    assert bounds.credible_duration(62.0, 60.0) == 62
    assert bounds.credible_duration(3000.0, 60.0) == 3000
    assert bounds.credible_duration(315_576_000_000.0, 60.0) == 60
    assert bounds.credible_duration(0.0, 60.0) == 0


HOUR = 3600


def check(*seconds: float, zero: float = 0.0) -> None:
    """Frames at these times, in milliseconds."""
    bounds.check_gaps(array("q", (round(s * 1000) for s in seconds)), Fraction(1, 1000), zero)


def test_gaps_that_real_files_have() -> None:
    """No frame, one, slides, a camera that saw nothing all night, days of recording, times far from zero."""
    check()
    check(5.0)
    check(0, 60, 120)
    check(0, 11 * HOUR)
    check(*range(0, 90 * HOUR, 10 * HOUR))
    check(1e9, 1e9 + 60, zero=1e9)
    check(-5, 5)


@pytest.mark.parametrize("seconds", [(0, 13 * HOUR), (13 * HOUR, 13 * HOUR + 1), (0, 1, 2, 99 * HOUR)])
def test_a_gap_that_a_stream_cannot_have(seconds: tuple[float, ...]) -> None:
    """Between two frames, and before the first one."""
    with pytest.raises(BadInput, match=r"nothing new is shown for \d+ hours; a stream can skip at most 12"):
        check(*seconds)
