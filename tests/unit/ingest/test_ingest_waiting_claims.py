"""Waiting claims are tried again in turns, and each sentence is told once; the intake and the clock are fakes."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from vlogd.core.errors import Stopping, Unavailable
from vlogd.ingest import waiting_claims
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.outcomes import Changed, InboxProblem, InboxProblemSolved, Notice, NotTaken, Outcome
from vlogd.ingest.problems import Problems
from vlogd.ingest.waiting_claims import WaitingClaims


class Bench:
    """Claims of which each takes two seconds."""

    def __init__(self, outcomes: list[Outcome | Exception]) -> None:
        self.outcomes = outcomes
        self.seconds = 0.0
        self.notices: list[Notice] = []
        send = self.notices.append
        self.claims = WaitingClaims(self, {}, send, Problems(send), lambda: self.seconds)  # type: ignore[arg-type]

    def resume(self, _inboxes: Mapping[str, Inbox]) -> Iterator[Outcome]:
        """As `Intake.resume`."""
        for outcome in list(self.outcomes):
            self.seconds += 2
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome

    def listing(self) -> list[Notice]:
        """What a listing and all its turns report."""
        self.notices.clear()
        self.claims.begin()
        while self.claims.are_being_resumed:
            self.claims.resume()
        return list(self.notices)


def waits(name: str, inbox: str = "main") -> NotTaken:
    """A claim that waits."""
    return NotTaken(Path(name), inbox, "It waits.")


def test_a_turn_is_over_after_some_seconds() -> None:
    """And a listing in between begins nothing anew."""
    bench = Bench([waits(name) for name in "abcde"])
    bench.claims.resume()
    assert bench.notices == []
    for told in ("abc", "abcde", "abcde"):
        bench.claims.begin()
        bench.claims.resume()
        assert bench.notices == [waits(name) for name in told]
    assert bench.seconds == 16


def test_each_sentence_is_told_once() -> None:
    """Also of what was claimed just now; what is gone and comes again is told again."""
    bench = Bench([waits("a"), waits("b")])
    bench.claims.add(waits("b"))
    assert bench.listing() == [waits("a")]
    assert bench.listing() == []
    bench.outcomes[0] = Changed(Path("film.mp4"))
    assert bench.listing() == [Changed(Path("film.mp4"))]
    bench.outcomes[0] = waits("a")
    assert bench.listing() == [waits("a")]


def test_what_is_claimed_between_two_turns_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing of claims that goes on does not have it."""
    monkeypatch.setattr(waiting_claims, "_MOST_OF_AN_INBOX", 4)
    bench = Bench([waits(name) for name in "abc"])
    bench.claims.begin()
    bench.claims.resume()
    bench.claims.add(waits("d"))
    bench.claims.resume()
    assert bench.claims.are_too_many("main")
    assert not bench.claims.are_too_many("other")
    assert bench.listing() == []
    assert not bench.claims.are_too_many("main")


def test_a_disk_that_is_away() -> None:
    """It is told and then forgotten; the next listing begins anew, also after a stop."""
    bench = Bench([waits("a"), Unavailable("The disk is away.")])
    (_, problem) = bench.listing()
    assert problem == InboxProblem(
        "claims", "What was claimed before could not be taken up: The disk is away."
    )
    bench.outcomes[1] = Stopping()
    with pytest.raises(Stopping):
        bench.listing()
    assert not bench.claims.are_being_resumed
    del bench.outcomes[1]
    assert bench.listing() == [InboxProblemSolved("claims")]
