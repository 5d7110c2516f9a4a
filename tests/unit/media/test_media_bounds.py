"""The largest film that is taken."""

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
