"""Time that neither a jump of the clock nor a file can move."""

from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.clock import Reading
from vlogd.core.counted_time import Count, CountedTime

DAY = 86_400.0
BEFORE = Count(1000.0, wall=1e9, is_synchronised=True)


def counted(began: Reading, later: Reading, before: Count = BEFORE) -> float:
    """The seconds counted since the earlier run ended."""
    return CountedTime(before, began).at(later).seconds - before.seconds


def test_time_that_it_ran_counts_whatever_the_wall_clock_does() -> None:
    """Which jumps sixty days ahead, or back."""
    began = Reading(1e9, 50.0, is_synchronised=True)
    for wall in (1e9 + 60 * DAY, 0.0, 1e9 + 100.0):
        assert counted(began, Reading(wall, 150.0, is_synchronised=False)) == 100.0


def test_time_between_two_runs_counts_when_the_clock_is_right_before_and_after() -> None:
    """And from when it is right: the machine's clock may be set minutes after its start."""
    began = Reading(0.0, 5.0, is_synchronised=False)
    time = CountedTime(BEFORE, began)
    assert time.at(Reading(60.0, 65.0, is_synchronised=False)).seconds == 1060.0
    assert time.at(Reading(1e9 + 7200.0, 125.0, is_synchronised=True)).seconds == 1000.0 + 7200.0
    assert time.at(Reading(0.0, 225.0, is_synchronised=False)).seconds == 1000.0 + 7300.0
    unknown = Count(1000.0, wall=0.0, is_synchronised=False)
    assert (
        counted(Reading(1e9, 0.0, is_synchronised=True), Reading(1e9, 0.0, is_synchronised=True), unknown)
        == 0
    )


def test_time_between_two_runs_is_a_day_at_most() -> None:
    """Even a clock that is said to be right may be wrong."""
    began = Reading(1e9 + 60 * DAY, 0.0, is_synchronised=True)
    assert counted(began, began) == DAY


@given(st.lists(st.tuples(st.floats(-1e10, 1e10), st.floats(0.0, 1e6), st.booleans()), min_size=1))
def test_it_never_runs_back_and_never_far_ahead(steps: list[tuple[float, float, bool]]) -> None:
    """Whatever the wall clock says, it is at most a day ahead of the time that it ran."""
    time, running, last = CountedTime(BEFORE, Reading(1e9, 0.0, is_synchronised=False)), 0.0, 0.0
    for wall, seconds, is_synchronised in steps:
        running += seconds
        now = time.at(Reading(wall, running, is_synchronised)).seconds
        assert now >= last
        assert running <= now - BEFORE.seconds + 1e-6
        assert now - BEFORE.seconds <= running + DAY + 1e-6
        last = now
