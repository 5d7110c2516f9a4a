"""Calls of other threads, made by the deciding thread."""

from vlogd.core.events import Bug, Event
from vlogd.daemon.call_queue import CallQueue


def test_calls_are_made_in_order_and_all_at_once() -> None:
    """One wait is enough for everything that is there."""
    made: list[int] = []
    calls = CallQueue()
    for number in range(3):
        calls.put(lambda number=number: made.append(number))  # type: ignore[misc]
    assert not calls.is_empty()
    calls.make_calls(0, lambda _event: None)
    assert made == [0, 1, 2]
    assert calls.is_empty()


def test_a_call_that_raises_costs_nobody_but_itself() -> None:
    """It is an event, with its error; the next call is made."""
    made: list[str] = []
    events: list[Event] = []
    calls = CallQueue()
    calls.put(lambda: {}["x"])  # type: ignore[arg-type]
    calls.put(lambda: made.append("next"))
    calls.make_calls(0, events.append)
    assert made == ["next"]
    (bug,) = events
    assert isinstance(bug, Bug)
    assert isinstance(bug.error, KeyError)


def test_with_nothing_to_do_it_returns() -> None:
    """And emits nothing."""
    events: list[Event] = []
    CallQueue().make_calls(0, events.append)
    CallQueue().make_calls_for(0.01, events.append)
    assert events == []
