"""Which items are in memory, and which wait outside."""

from dataclasses import replace

import pytest
from toy_stages import ToySettings, toy

from vlogd.core.model import File, Item, Part
from vlogd.core.publication import Report
from vlogd.engine import admission
from vlogd.engine.admission import EvictedItems, ItemQueue
from vlogd.engine.library_worker import Position
from vlogd.engine.retry import Retry
from vlogd.engine.state import ItemState, RemovalRequest
from vlogd.engine.survey import survey

STAGE = toy("first")


def item(number: int) -> Item:
    """The later one has the higher number."""
    return Item(f"{number:016x}", "A film", "a-film", "main", File("x/film.mp4"), "digest", 4, 1e9 + number)


def working(number: int, *, playable: bool = False) -> ItemState:
    """An item whose only step has a part that waits for a slot; nothing is to be published."""
    state = ItemState(item(number))
    state.surveyed(survey(state.item, [STAGE], {"first": ToySettings()}, []))
    assert state.survey is not None
    for step in state.open(state.survey.steps, Retry()):
        step.visit()
        step.visited(Position((Part("part-0"),), {}, frozenset()))
    state.publish.begin(0.0)
    state.publish.succeed(report(state.item, playable=playable), 0.0)
    return state


def resting(number: int, until: float) -> ItemState:
    """One whose step waits for something outside."""
    state = working(number)
    state.steps["first"].failed("part-0", "There is no model.", until)
    return state


def report(of: Item, *, playable: bool) -> Report:
    """As publishing would make it."""
    return Report(
        of.id, of.slug, of.title, "processing", 1.0, playable, None, None, (), {}, of.accepted_at, None
    )


def test_new_items_go_first_and_those_put_back_before_those_that_wait() -> None:
    """The latest drop is the first of the new ones."""
    queue = ItemQueue()
    queue.extend(["b", "c"])
    queue.put_back("a")
    queue.put_new(item(1))
    queue.put_new(item(2))
    assert len(queue) == 5
    assert queue.ids() == {"a", "b", "c", item(1).id, item(2).id}
    assert [queue.take_new(), queue.take_new()] == [item(2), item(1)]
    assert not queue.has_new()
    assert [queue.take(), queue.take(), queue.take(), queue.take()] == ["a", "b", "c", None]


def test_a_discarded_item_is_not_taken_up() -> None:
    """Whether it was new or waited; again is harmless."""
    queue = ItemQueue()
    queue.extend(["a"])
    queue.put_new(item(1))
    for item_id in ("a", item(1).id, "a"):
        queue.discard(item_id)
    assert len(queue) == 0


def test_what_rests_or_goes_keeps_nobody_out() -> None:
    """Only items that are worked on count."""
    leaving = working(3)
    leaving.removed(RemovalRequest(0.0, lambda: None))
    assert admission.active_count([working(1), resting(2, 50.0), leaving]) == 1


def test_the_oldest_that_can_be_watched_gives_way() -> None:
    """Never one of which something runs, that rests, was cancelled or goes to the trash."""
    old, new, playable = working(1), working(2), working(3, playable=True)
    assert admission.eviction_candidate([new, old]) is old
    assert admission.eviction_candidate([old, new, playable]) is playable
    playable.steps["first"].part_started(Part("part-0"))
    assert admission.eviction_candidate([new, playable]) is new
    new.cancelled()
    old.removed(RemovalRequest(0.0, lambda: None))
    assert admission.eviction_candidate([old, new, playable, resting(4, 50.0)]) is None


def test_of_too_many_that_rest_those_leave_whose_time_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is parked never comes by itself, and leaves first."""
    monkeypatch.setattr(admission, "MOST_RESTING", 2)
    soon, later, parked = resting(1, 10.0), resting(2, 20.0), working(3)
    parked.steps["first"].given_up("part-0", "It is no film.")
    assert admission.surplus([soon, later]) == []
    assert admission.surplus([soon, parked, later, working(4)]) == [parked]
    assert admission.surplus([soon, parked, later, resting(5, 15.0)]) == [parked, later]


def test_evicted_items_come_back_when_their_time_has_come() -> None:
    """In that order, and only as many as there is room for; what is parked does not."""
    evicted = EvictedItems()
    parked = working(3)
    parked.steps["first"].given_up("part-0", "It is no film.")
    for state in (resting(2, 20.0), resting(1, 10.0), parked):
        evicted.put(state)
    assert evicted.due(5.0) == [10.0]
    assert evicted.take_due(5.0, 9) == []
    assert evicted.blockers() == ["2 more videos wait likewise."]
    assert evicted.take_due(30.0, 1) == [item(1).id]
    assert evicted.take_due(30.0, 9) == [item(2).id]
    assert evicted.blockers() == []


def test_an_evicted_item_that_is_looked_at_earlier_does_not_come_twice() -> None:
    """Put back with another time, only that one counts."""
    evicted = EvictedItems()
    evicted.put(resting(1, 10.0))
    evicted.forget([item(1).id])
    evicted.put(resting(1, 30.0))
    assert evicted.take_due(20.0, 9) == []
    assert evicted.take_due(40.0, 9) == [item(1).id]


def test_stages_that_are_not_essential_block_nobody() -> None:
    """Captions that wait for a model are no reason to say that a video cannot be made."""
    evicted = EvictedItems()
    state = resting(1, 10.0)
    step = state.steps["first"]
    step.step = replace(step.step, stage=replace(STAGE, essential=False))
    evicted.put(state)
    assert evicted.blockers() == []
