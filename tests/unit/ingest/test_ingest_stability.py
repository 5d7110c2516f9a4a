"""When is a dropped file complete? The rule alone, with a clock that the tests turn."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vlogd.ingest.file_state import FileState
from vlogd.ingest.stability import StabilityTracker

FILM = Path("film.mp4")


def state(size: int, mtime: int = 0, inode: int = 1) -> FileState:
    """A file as it was seen."""
    return FileState(size, mtime, inode, 1)


def test_a_file_that_holds_still_is_complete() -> None:
    """It is complete after settle_seconds without a change, not before."""
    tracker = StabilityTracker(5)
    tracker.observe(FILM, state(10), 100)
    tracker.observe(FILM, state(10), 104)
    assert tracker.stable(104.9) == []
    assert tracker.stable(105) == [FILM]
    assert tracker.next_due_seconds() == 105


def test_a_change_starts_over() -> None:
    """Growing, being touched or being replaced each begin the wait anew."""
    for changed in (state(11), state(10, mtime=1), state(10, inode=2)):
        tracker = StabilityTracker(5)
        tracker.observe(FILM, state(10), 100)
        tracker.observe(FILM, changed, 104)
        assert tracker.stable(108) == []
        assert tracker.stable(109) == [FILM]


def test_a_proven_file_waits_a_second_only() -> None:
    """A container that proves itself whole shortens the wait; a later change undoes the proof."""
    tracker = StabilityTracker(60)
    tracker.observe(FILM, state(10), 100)
    tracker.prove(FILM)
    assert tracker.stable(101) == [FILM]
    tracker.observe(FILM, state(11), 101)
    assert tracker.stable(120) == []


@given(st.lists(st.tuples(st.floats(0.1, 4.9), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_writer_that_never_pauses_long_is_never_cut_off(writes: list[tuple[float, int]]) -> None:
    """As long as every pause is shorter than settle_seconds and ends in a change, nothing is taken."""
    tracker, now, size = StabilityTracker(5), 0.0, 0
    for pause, grown in writes:
        size += 1 + grown
        tracker.observe(FILM, state(size), now)
        now += pause
        assert tracker.stable(now) == []
    assert tracker.stable(now + 5) == [FILM]
