"""What follows from a failure, as the engine's events tell it."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.core.errors import BadInput, ToolFailed, Unavailable
from vlogd.core.events import (
    Bug,
    Event,
    ItemFailed,
    ItemReady,
    ItemRemoved,
    PartDone,
    PartFailed,
    StepParked,
)
from vlogd.core.model import Part
from vlogd.engine.executors.contract import PartRequest, Send
from vlogd.engine.state import RemovalRequest
from vlogd.stages.contract import Stage, check
from vlogd.stages.facts import NoFacts
from vlogd.stages.workspace import Workspace
from vlogd.storage.journal import database, writer

SETTINGS = {"first": ToySettings(parts=1), "talk": ToySettings(parts=1)}


class Moody:
    """A stage whose parts raise the next of `errors`, and work when none is left."""

    def __init__(self, *errors: Exception, essential: bool = True) -> None:
        self.errors = list(errors)
        self.stage: Stage[Any] = replace(toy("first", essential=essential), run=self._run)

    def _run(self, part: Part, ws: Workspace[Any]) -> NoFacts:
        if self.errors:
            raise self.errors.pop(0)
        ws.deliver_bytes(part.name.encode(), f"{part.name}.txt")
        return NoFacts()


def only(events: list[Event], *kinds: type[Event]) -> list[type[Event]]:
    """The kinds of those events that are of one of `kinds`, in their order."""
    return [type(event) for event in events if isinstance(event, kinds)]


def ran(home: Path, stage: Stage[Any], before: Callable[[Engine], None] = lambda _engine: None) -> Engine:
    """An engine to which one film was dropped, at rest."""
    engine = Engine(home, check(stage), SETTINGS)
    engine.drop("0001", "a")
    before(engine)
    engine.run()
    return engine


def test_a_tool_that_fails_is_tried_again(tmp_path: Path) -> None:
    """Each failure is an event, and the part is done in the end."""
    moody = Moody(ToolFailed("ffmpeg failed."), ToolFailed("ffmpeg failed."))
    engine = ran(tmp_path, moody.stage)
    kinds = only(engine.events, PartFailed, PartDone, ItemReady, StepParked, ItemFailed)
    assert kinds == [PartFailed, PartFailed, PartDone, ItemReady]
    assert engine.controller.failed_items == set()
    engine.close()


def test_a_tool_that_fails_thrice_fails_the_video_once(tmp_path: Path) -> None:
    """Also after a restart: what is known to have failed is no news."""
    moody = Moody(*(ToolFailed("ffmpeg failed.", ["line"]) for _ in range(9)))
    engine = ran(tmp_path, moody.stage)
    assert only(engine.events, PartFailed, StepParked, ItemFailed) == [
        PartFailed,
        PartFailed,
        StepParked,
        ItemFailed,
    ]
    assert engine.controller.failed_items == {"0001"}
    assert [attempt.stderr for attempt in engine.journal.attempts.of("0001")] == ["line"] * 3
    engine.close()
    again = Engine(tmp_path, check(moody.stage), SETTINGS)
    again.run()
    assert again.controller.failed_items == {"0001"}
    assert only(again.events, PartFailed, StepParked, ItemFailed) == []
    moody.errors.clear()
    again.controller.retry("0001")
    again.run()
    assert only(again.events, PartDone, ItemReady) == [PartDone, ItemReady]
    assert again.controller.failed_items == set()
    again.close()


def test_a_stage_that_is_not_essential_does_not_fail_the_video(tmp_path: Path) -> None:
    """It is parked, and that is all."""
    engine = ran(tmp_path, Moody(BadInput("It is no talk."), essential=False).stage)
    assert only(engine.events, StepParked, ItemFailed) == [StepParked]
    engine.close()


def test_what_is_unavailable_is_no_attempt(tmp_path: Path) -> None:
    """However often: it waits, and goes on."""
    moody = Moody(*(Unavailable("No room.") for _ in range(20)))
    engine = ran(tmp_path, moody.stage)
    while moody.errors:
        assert engine.controller.blockers == ["No room."]
        engine.now += 61
        engine.run()
    engine.now += 61
    engine.run()
    assert engine.journal.attempts.of("0001") == []
    assert only(engine.events, ItemReady, StepParked) == [ItemReady]
    engine.close()


def test_what_is_unavailable_after_a_failed_attempt_is_not_waited_for(tmp_path: Path) -> None:
    """`--once` would never end: the attempt before is over, and what hinders it now lies outside."""
    moody = Moody(ToolFailed("ffmpeg failed."), *(Unavailable("No room.") for _ in range(20)))
    engine = ran(tmp_path, moody.stage)
    assert len(moody.errors) == 19
    assert engine.controller.blockers == ["No room."]
    engine.close()


def test_a_removal_is_answered_when_the_journal_knows_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program has locked it: a crash now must not bring the video back as one without files."""
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    monkeypatch.setattr(writer, "_SHORTEST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(writer, "_PAUSE_PER_SECOND", 0.0)
    answered: list[str] = []
    engine = ran(tmp_path, Moody().stage)
    item = engine.journal.items.get("0001")
    assert item is not None
    other = sqlite3.connect(tmp_path / "state/journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    engine.controller.remove(item, RemovalRequest(0.0, lambda: answered.append("gone")))
    engine.run()
    assert only(engine.events, ItemRemoved) == [ItemRemoved]
    assert answered == []
    other.close()
    engine.journal.retry_writes()
    engine.run()
    assert answered == ["gone"]
    engine.close()


def test_a_part_that_no_thread_can_be_had_for_is_started_later(tmp_path: Path) -> None:
    """A fake: the executor fails, once. The slots are free again, also those of the parts that were chosen with it."""

    def fail_once(engine: Engine) -> None:
        start = engine.executor.start

        def failing(_request: PartRequest, _send: Send) -> None:
            engine.executor.start = start  # type: ignore[method-assign]
            raise RuntimeError("can't start new thread")

        engine.executor.start = failing  # type: ignore[method-assign]

    engine = Engine(tmp_path, check(Moody().stage), {"first": ToySettings(parts=2)})
    engine.drop("0001", "a")
    fail_once(engine)
    engine.run()
    engine.now += 61
    engine.run()
    assert [str(event.error) for event in engine.events if isinstance(event, Bug)] == [
        "can't start new thread"
    ]
    assert only(engine.events, PartFailed, StepParked, ItemReady) == [PartFailed, ItemReady]
    engine.close()


def test_an_unchanged_video_causes_no_event_at_a_start(tmp_path: Path) -> None:
    """It is surveyed, and nothing is news."""
    ran(tmp_path, Moody().stage).close()
    again = Engine(tmp_path, check(Moody().stage), SETTINGS)
    again.run()
    assert again.events == []
    again.close()


def test_a_cancelled_video_stops_and_has_not_failed_by_itself(tmp_path: Path) -> None:
    """The part that runs is told to stop by its id; a retry makes the video."""
    moody = Moody()

    def cancel_while_it_runs(engine: Engine) -> None:
        held: list[Callable[[], None]] = []
        start = engine.executor.start

        def start_and_hold(request: PartRequest, send: Send) -> None:
            start(request, send)
            held.append(engine.executor.jobs.pop())

        engine.executor.start = start_and_hold  # type: ignore[method-assign]
        while not held:
            engine.run(1)
        engine.controller.cancel("0001")
        engine.executor.start = start  # type: ignore[method-assign]
        engine.executor.jobs.extend(held)

    engine = ran(tmp_path, moody.stage, cancel_while_it_runs)
    assert only(engine.events, PartDone, PartFailed, StepParked, ItemFailed) == [StepParked]
    assert [event.kind for event in engine.events if isinstance(event, StepParked)] == ["Cancelled"]
    engine.controller.retry("0001")
    engine.run()
    assert only(engine.events, PartDone, ItemReady) == [PartDone, ItemReady]
    engine.close()


@pytest.mark.parametrize("jobs", range(6))
def test_a_video_is_removed_at_any_moment(tmp_path: Path, jobs: int) -> None:
    """What runs of it is told to stop, the removal is done once, and nothing of it is left."""
    answered: list[str] = []

    def remove_after_some_jobs(engine: Engine) -> None:
        engine.run(jobs)
        item = engine.journal.items.get("0001")
        assert item is not None
        for _ in range(2):
            engine.controller.remove(item, RemovalRequest(0.0, lambda: answered.append("gone")))

    engine = ran(tmp_path, Moody().stage, remove_after_some_jobs)
    assert only(engine.events, ItemRemoved, ItemFailed, PartFailed) == [ItemRemoved]
    assert answered == ["gone", "gone"]
    assert not list((engine.root / "videos").glob("*"))
    assert engine.journal.items.get("0001") is None
    assert not list(engine.controller.items)
    engine.close()
