"""When is a file complete? The rule alone, with a clock that the tests turn."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vlogd.ingest.file_state import FileState
from vlogd.ingest.stability import StabilityTracker

FILM = Path("film.mp4")


def at(size: int, mtime: int = 0, inode: int = 1) -> FileState:
    """A look at a file."""
    return FileState(size, mtime, inode, 1)


def test_a_file_that_holds_still_is_complete() -> None:
    """It is complete after settle_seconds without a change, not before."""
    settling = StabilityTracker(5)
    settling.observe(FILM, at(10), 100)
    settling.observe(FILM, at(10), 104)
    assert settling.stable(104.9) == []
    assert settling.stable(105) == [FILM]
    assert settling.next_due_seconds() == 105


def test_a_change_starts_over() -> None:
    """Growing, being touched or being replaced each begin the wait anew."""
    for changed in (at(11), at(10, mtime=1), at(10, inode=2)):
        settling = StabilityTracker(5)
        settling.observe(FILM, at(10), 100)
        settling.observe(FILM, changed, 104)
        assert settling.stable(108) == []
        assert settling.stable(109) == [FILM]


def test_a_proven_file_waits_a_second_only() -> None:
    """A container that proves itself whole shortens the wait; a later change undoes the proof."""
    settling = StabilityTracker(60)
    settling.observe(FILM, at(10), 100)
    settling.prove(FILM)
    assert settling.stable(101) == [FILM]
    settling.observe(FILM, at(11), 101)
    assert settling.stable(120) == []


@given(st.lists(st.tuples(st.floats(0.1, 4.9), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_writer_that_never_pauses_long_is_never_cut_off(writes: list[tuple[float, int]]) -> None:
    """As long as every pause is shorter than settle_seconds and ends in a change, nothing is taken."""
    settling, now, size = StabilityTracker(5), 0.0, 0
    for pause, grown in writes:
        size += 1 + grown
        settling.observe(FILM, at(size), now)
        now += pause
        assert settling.stable(now) == []
    assert settling.stable(now + 5) == [FILM]
