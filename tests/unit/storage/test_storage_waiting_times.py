"""What waits to be deleted: since when, and found due twice."""

from pathlib import Path

import pytest

from vlogd.core.clock import Reading
from vlogd.storage.waiting_times import NAME, WaitingTimes

HOUR = 3600.0


class Fixture:
    """Waiting times on clocks that the test sets."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.running, self.jump = 100.0, 0.0
        self.start()

    def start(self) -> None:
        """As a new process."""
        self.times = WaitingTimes(
            self.state, lambda: Reading(1e9 + self.running + self.jump, self.running, is_synchronised=True)
        )

    def is_over(self, seconds: float = 10 * HOUR, key: str = "trash:a") -> bool:
        """A look."""
        self.times.look()
        return self.times.is_over(key, seconds)


@pytest.fixture
def waits(tmp_path: Path) -> Fixture:
    """Nothing waits yet."""
    return Fixture(tmp_path)


def test_it_is_over_when_it_was_found_so_twice(waits: Fixture) -> None:
    """An hour apart; the first look at it only begins to count."""
    for hour, over in [(0, False), (9, False), (10, False), (10.5, False), (11, True)]:
        waits.running = 100 + hour * HOUR
        assert waits.is_over() == over


def test_nothing_to_wait_for_still_takes_two_looks(waits: Fixture) -> None:
    """With a time of 0."""
    assert not waits.is_over(0)
    waits.running += HOUR
    assert waits.is_over(0)


def test_what_has_changed_waits_anew(waits: Fixture) -> None:
    """Also where it was due before, and after a restart."""
    waits.is_over(0)
    waits.running += HOUR
    assert not waits.times.is_over("trash:a", 0, state="another")
    waits.times.save()
    waits.start()
    waits.running += HOUR
    waits.times.look()
    assert waits.times.is_over("trash:a", 0, state="another")


def test_a_longer_time_begins_no_new_wait(waits: Fixture) -> None:
    """What was due and is not any more, must be found due twice again."""
    waits.is_over(0)
    waits.running += HOUR
    assert not waits.is_over(2 * HOUR)
    waits.running += HOUR
    assert not waits.is_over(0)


def test_a_jump_ahead_does_nothing(waits: Fixture) -> None:
    """Also over a restart: a day counts at most of what was not seen."""
    waits.is_over(30 * 24 * HOUR)
    waits.jump = 60 * 24 * HOUR
    for _ in range(3):
        waits.running += HOUR
        assert not waits.is_over(30 * 24 * HOUR)
    waits.times.save()
    waits.jump *= 2
    waits.start()
    for _ in range(3):
        waits.running += HOUR
        assert not waits.is_over(30 * 24 * HOUR)


def test_a_restart_goes_on(waits: Fixture) -> None:
    """And a lost or damaged document begins anew."""
    waits.is_over()
    waits.running += 10 * HOUR
    waits.is_over()
    waits.times.save()
    waits.start()
    waits.running += HOUR
    assert waits.is_over()
    (waits.state / NAME).write_text("{")
    waits.start()
    assert not waits.is_over()


def test_what_is_gone_is_forgotten(waits: Fixture) -> None:
    """Of one kind; what comes again waits anew."""
    for key in ("trash:a", "trash:b", "failed:a"):
        assert not waits.is_over(0, key)
    waits.times.keep_only("trash", ["trash:b"])
    waits.times.forget("failed:a")
    waits.running += HOUR
    assert [waits.is_over(0, key) for key in ("trash:a", "trash:b", "failed:a")] == [False, True, False]


def test_what_is_not_known_is_to_be_looked_at(waits: Fixture) -> None:
    """And what may be over; asking changes nothing."""
    assert waits.times.may_be_over("trash:a", HOUR)
    waits.is_over(HOUR)
    assert not waits.times.may_be_over("trash:a", HOUR)
    waits.running += HOUR
    waits.times.look()
    assert waits.times.may_be_over("trash:a", HOUR)
