"""When is a file complete? The rule alone, with a clock that the tests turn."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vlogd.ingest.stability import Settling, Sighting

FILM = Path("film.mp4")


def at(size: int, mtime: int = 0, inode: int = 1) -> Sighting:
    """A look at a file."""
    return Sighting(size, mtime, inode, 1)


def test_a_file_that_holds_still_is_complete() -> None:
    """It is complete after settle_seconds without a change, not before."""
    settling = Settling(5)
    settling.see(FILM, at(10), 100)
    settling.see(FILM, at(10), 104)
    assert settling.complete(104.9) == []
    assert settling.complete(105) == [FILM]
    assert settling.next_look_at() == 105


def test_a_change_starts_over() -> None:
    """Growing, being touched or being replaced each begin the wait anew."""
    for changed in (at(11), at(10, mtime=1), at(10, inode=2)):
        settling = Settling(5)
        settling.see(FILM, at(10), 100)
        settling.see(FILM, changed, 104)
        assert settling.complete(108) == []
        assert settling.complete(109) == [FILM]


def test_a_proven_file_waits_a_second_only() -> None:
    """A container that proves itself whole shortens the wait; a later change undoes the proof."""
    settling = Settling(60)
    settling.see(FILM, at(10), 100)
    settling.proven(FILM)
    assert settling.complete(101) == [FILM]
    settling.see(FILM, at(11), 101)
    assert settling.complete(120) == []


@given(st.lists(st.tuples(st.floats(0.1, 4.9), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_writer_that_never_pauses_long_is_never_cut_off(writes: list[tuple[float, int]]) -> None:
    """As long as every pause is shorter than settle_seconds and ends in a change, nothing is taken."""
    settling, now, size = Settling(5), 0.0, 0
    for pause, grown in writes:
        size += 1 + grown
        settling.see(FILM, at(size), now)
        now += pause
        assert settling.complete(now) == []
    assert settling.complete(now + 5) == [FILM]
