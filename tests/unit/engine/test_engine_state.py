"""What may happen to a step and to an item: the tables are total, and no order of events gets stuck."""

import ast
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from toy_stages import ToySettings, toy

from vlogd.core.model import Artifact, Attempt, File, Item, Part, Receipt
from vlogd.engine import queries
from vlogd.engine.library_worker import Position
from vlogd.engine.retry import Retry
from vlogd.engine.state import ItemState, RemovalRequest
from vlogd.engine.step_state import StepState
from vlogd.engine.survey import Step, survey
from vlogd.engine.transitions import (
    ITEMS,
    STEPS,
    ItemEffect,
    ItemEvent,
    ItemPhase,
    StepEffect,
    StepEvent,
    StepPhase,
)

ITEM = Item("0" * 16, "A film", "a-film", "main", File(f"{'0' * 16}/film.mp4"), "digest", 4, 1e9)
STAGE = toy("first")
ARTIFACT = Artifact(ITEM.id, "first", "0123456789ab", "digest", {})


def step() -> Step:
    """The step of the toy stage `first`."""
    return survey(ITEM, [STAGE], {"first": ToySettings()}, []).steps[0]


def receipt(name: str) -> Receipt:
    """Of a part without files."""
    return Receipt(name, {}, {})


def test_every_event_has_an_answer_in_every_phase() -> None:
    """Nothing that happens is unforeseen."""
    assert {phase: set(events) for phase, events in STEPS.items()} == {
        phase: set(StepEvent) for phase in StepPhase
    }
    assert {phase: set(events) for phase, events in ITEMS.items()} == {
        phase: set(ItemEvent) for phase in ItemPhase
    }


def test_effects_fit_their_phases() -> None:
    """Parts are offered while working only; a visit belongs to what is unread, and an artifact to what is made."""
    for events in STEPS.values():
        for phase, effect in events.values():
            assert effect is not StepEffect.OFFER or phase is StepPhase.WORKING
            assert effect is not StepEffect.VISIT or phase is StepPhase.UNREAD
            assert effect is not StepEffect.ADOPT or phase is StepPhase.MADE


def test_only_a_person_brings_a_parked_step_on() -> None:
    """Unless the library had made it an artifact already."""
    ways = {event for event, (phase, _) in STEPS[StepPhase.PARKED].items() if phase is not StepPhase.PARKED}
    assert ways == {StepEvent.RETRIED, StepEvent.COMMITTED}


def test_nobody_sets_a_flag_from_outside() -> None:
    """States change by their own methods only: in the engine nobody assigns to an attribute of another object's."""
    for path in Path(queries.__file__).parent.glob("*.py"):
        if path.name == "retry.py":
            continue  # it fills in a state of tenacity's
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [name for target in targets if target is not None for name in ast.walk(target)]
            foreign = [
                ast.unparse(name)
                for name in names
                if isinstance(name, ast.Attribute) and isinstance(name.ctx, ast.Store)
                if ast.unparse(name.value) != "self"
            ]
            assert not foreign, f"{path.name}: {foreign}"


# One step, walked at random


HALVES = ("half-0", "half-1", "half-2")


def plan(receipts: Collection[str]) -> tuple[Part, ...]:
    """Three parts, one that follows from the first, and one that follows from all."""
    parts = [Part(name) for name in HALVES]
    parts += [Part("check", order=1)] if "half-0" in receipts else []
    parts += [Part("join", order=2)] if set(HALVES) | {"check"} <= set(receipts) else []
    return tuple(parts)


class Walk(RuleBasedStateMachine):
    """A step, the library it lies in and an executor whose parts know of each other, or do not.

    Whatever happened, in the end it is made: no part that follows is lost, and nothing waits for nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.state = StepState(step())
        self.disk: dict[str, Receipt] = {}
        self.visits: list[dict[str, Receipt] | None] = []
        self.offered: list[Part] = []
        self.running: dict[str, tuple[str, ...]] = {}
        self.ended: list[tuple[Receipt, tuple[Part, ...], tuple[str, ...]]] = []
        self.adopted = 0
        self.do(StepEffect.VISIT)

    def do(self, effect: StepEffect) -> None:
        """What `steps.py` does."""
        if effect is StepEffect.OFFER:
            self.offered = self.state.missing()
        elif effect in (StepEffect.WITHHOLD, StepEffect.VISIT):
            self.offered = []
        elif effect is StepEffect.ADOPT:
            self.adopted += 1
        if effect is StepEffect.VISIT and self.state.wants_visit:
            known = self.state.visit()
            self.visits.append(None if known is None else dict(known))

    @precondition(lambda self: self.visits)
    @rule()
    def library_answers(self) -> None:
        known = self.visits.pop()
        receipts = dict(self.disk) if known is None else known
        parts = plan(receipts)
        whole = all(part.name in receipts for part in parts)
        self.do(self.state.visited(Position(parts, receipts, frozenset(), ARTIFACT if whole else None)))

    @precondition(lambda self: self.visits)
    @rule()
    def library_is_away(self) -> None:
        self.visits.pop()
        self.state.visit_failed()
        self.do(self.state.failed("-", "The disk is away.", self.now + 5))

    @precondition(lambda self: self.offered)
    @rule()
    def part_starts(self) -> None:
        part = self.offered.pop(0)
        assert part.name not in self.running
        if part.name == "join":
            assert {*HALVES, "check"} <= self.state.receipts.keys(), "it gets the receipts that it reads"
        self.state.part_started(part)
        self.running[part.name] = tuple(self.state.receipts)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), knows=st.booleans())
    def part_ends(self, data: st.DataObject, *, knows: bool) -> None:
        """Its result is on the way; with `knows` it was planned from all that ended before it."""
        name = data.draw(st.sampled_from(sorted(self.running)))
        known = {*self.running.pop(name), name, *(self.disk if knows else ())}
        self.disk[name] = receipt(name)
        self.ended.append((receipt(name), plan(known), tuple(known)))

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def result_arrives(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.ended) - 1))
        self.do(self.state.part_done(*self.ended.pop(index)))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["failed", "given up", "stopped"]))
    def part_fails(self, data: st.DataObject, how: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.running)))
        del self.running[name]
        if how == "failed":
            self.do(self.state.failed(name, "It failed.", self.now + 5))
        elif how == "given up":
            self.do(self.state.given_up(name, "It is no film."))
        else:
            self.do(self.state.part_stopped(name))

    @rule(seconds=st.integers(1, 10))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.do(self.state.pause_ends(self.now))

    @rule()
    def somebody_says_retry(self) -> None:
        self.do(self.state.retried())

    @precondition(lambda self: self.disk and self.state.phase is StepPhase.PARKED)
    @rule(data=st.data())
    def file_is_lost_and_retried(self, data: st.DataObject) -> None:
        del self.disk[data.draw(st.sampled_from(sorted(self.disk)))]
        self.ended = []
        self.running = {}
        self.state.running.clear()
        self.do(self.state.retried())

    @invariant()
    def the_library_looks_at_it_once_at_a_time(self) -> None:
        assert len(self.visits) <= 1
        assert self.state.is_visited == bool(self.visits)

    @invariant()
    def nothing_is_offered_but_while_it_is_worked_on(self) -> None:
        assert not self.offered or self.state.phase is StepPhase.WORKING
        assert not {part.name for part in self.offered} & self.state.receipts.keys()

    @invariant()
    def it_is_adopted_once(self) -> None:
        assert self.adopted == (self.state.phase is StepPhase.MADE)

    def teardown(self) -> None:
        """From now on all goes well."""
        for _ in range(200):
            if self.state.phase is StepPhase.MADE:
                break
            if self.state.is_parked:
                self.do(self.state.retried())
            elif self.visits:
                self.library_answers()
            elif self.ended:
                self.do(self.state.part_done(*self.ended.pop()))
            elif self.running:
                name, known = self.running.popitem()
                self.disk[name] = receipt(name)
                self.ended.append((receipt(name), plan({*known, name}), (*known, name)))
            elif self.offered:
                self.part_starts()
            else:
                self.now = max(self.now, self.state.not_before)
                effect = self.state.pause_ends(self.now)
                assert effect is not StepEffect.NOTHING, f"stuck: {self.state}"
                self.do(effect)
        assert self.state.phase is StepPhase.MADE
        assert {"join", "check", *HALVES} <= self.disk.keys()


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


# Cases that the walk finds by chance, one by one


def working(*done: str) -> StepState:
    """A step that was read, with these parts done."""
    state = StepState(step())
    state.visit()
    receipts = {name: receipt(name) for name in done}
    assert state.visited(Position(plan(done), receipts, frozenset())) is StepEffect.OFFER
    return state


def test_a_plan_that_knows_more_waits_for_the_other_result() -> None:
    """The last of two results arrives first: the part that follows from both is offered once both are here."""
    state = working("half-1", "half-2")
    for part in (Part("half-0"), Part("check")):
        state.part_started(part)
    everything = (*HALVES, "check")
    assert state.part_done(receipt("check"), plan(everything), everything) is StepEffect.NOTHING
    assert "join" not in [part.name for part in state.parts]
    first = (*HALVES[1:], "half-0")
    assert state.part_done(receipt("half-0"), plan(first), first) is StepEffect.OFFER
    assert [part.name for part in state.missing()] == ["join"]


def test_plans_that_do_not_know_of_each_other_send_to_the_library() -> None:
    """Each of two results was planned without the other: only all receipts together say what follows."""
    state = working("half-1", "half-2")
    for part in (Part("half-0"), Part("check")):
        state.part_started(part)
    state.part_done(receipt("half-0"), plan((*HALVES[1:], "half-0")), (*HALVES[1:], "half-0"))
    known = (*HALVES[1:], "check")
    assert state.part_done(receipt("check"), plan(known), known) is StepEffect.VISIT


def test_a_retry_reads_the_disk_although_a_visit_is_open() -> None:
    """What the open visit says is from before, and is not believed."""
    state = StepState(step())
    state.visit()
    assert state.retried() is StepEffect.VISIT
    assert not state.wants_visit
    assert state.visited(Position(plan(()), {"half-0": receipt("half-0")}, frozenset())) is StepEffect.VISIT
    assert state.receipts == {}
    assert state.visit() is None


def test_a_parked_step_stays_parked_when_another_part_fails() -> None:
    """The first reason stands."""
    state = working()
    state.part_started(Part("half-0"))
    state.part_started(Part("half-1"))
    state.given_up("half-0", "It is no film.")
    assert state.failed("half-1", "It failed.", 10.0) is StepEffect.NOTHING
    assert state.is_parked
    assert (state.trouble, state.not_before) == ("It is no film.", 0.0)


def test_what_the_journal_remembers_parks_a_new_step() -> None:
    """Failures of another recipe do not count."""
    state = StepState(step())
    attempt = Attempt(
        ITEM.id, "first", state.step.fingerprint, "half-0", "BadInput", "It is no film.", "", 0.0
    )
    other = Attempt(ITEM.id, "first", "another", "half-0", "BadInput", "It was no film.", "", 0.0)
    state.recall([other], Retry())
    assert state.wants_visit
    state.recall([attempt, other], Retry())
    assert (state.is_parked, state.trouble) == (True, "It is no film.")


# Items


def item_state() -> ItemState:
    """One whose survey wants one step."""
    state = ItemState(ITEM)
    assert state.surveyed(survey(ITEM, [STAGE], {"first": ToySettings()}, [])) is ItemEffect.OPEN
    assert state.survey is not None
    state.open(state.survey.steps, Retry())
    return state


def test_an_item_on_its_way_to_the_trash_stays_on_it() -> None:
    """Neither a retry nor a survey brings it back to work."""
    state = item_state()
    assert state.removed(RemovalRequest(5.0, lambda: None)) is ItemEffect.STOP
    assert state.retried() is ItemEffect.NOTHING
    assert state.survey is not None
    assert state.surveyed(state.survey) is ItemEffect.NOTHING
    assert state.phase is ItemPhase.REMOVING


def test_a_removal_that_is_asked_for_again_meanwhile() -> None:
    """The earlier end of the trash counts, both are answered, and the first job's end does not end it."""
    answered: list[str] = []
    state = item_state()
    state.removed(RemovalRequest(9.0, lambda: answered.append("first")))
    first = state.removal_begins()
    assert first is not None
    assert state.removal_begins() is None, "it is being done"
    state.removed(RemovalRequest(5.0, lambda: answered.append("second")))
    assert not state.removal_ended(first)
    second = state.removal_begins()
    assert second is not None
    assert second.keep_until == 5.0
    assert state.removal_ended(second)
    second.on_done()
    assert answered == ["first", "second"]


def test_a_cancelled_item_is_parked_until_a_retry() -> None:
    """Also what a survey finds afterwards."""
    state = item_state()
    assert state.cancelled() is ItemEffect.PARK
    assert state.survey is not None
    assert state.surveyed(state.survey) is ItemEffect.PARK
    assert state.retried() is ItemEffect.REOPEN
    assert state.is_active


@pytest.mark.parametrize("event", [ItemState.cancelled, ItemState.retried])
def test_what_left_the_memory_counts_no_more(event: "type[ItemState.cancelled]") -> None:
    """Whatever is heard of it."""
    state = item_state()
    state.let_go()
    assert event(state) is ItemEffect.NOTHING
    assert not state.is_here


def test_a_step_with_the_same_recipe_goes_on_after_a_new_survey() -> None:
    """One with another recipe begins anew."""
    state = item_state()
    before = state.steps["first"]
    assert state.survey is not None
    assert state.open(state.survey.steps, Retry()) == []
    assert state.steps["first"] is before
    other = survey(ITEM, [STAGE], {"first": ToySettings(word="b")}, [])
    assert state.open(other.steps, Retry()) == [state.steps["first"]]
    assert state.steps["first"] is not before
