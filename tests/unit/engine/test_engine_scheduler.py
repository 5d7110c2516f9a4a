"""Which parts are started: the same as by sorting all that wait at every choice."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from vlogd.core.model import Part
from vlogd.engine.scheduler import Candidate, Scheduler

SLOTS = {"cpu": 2, "speech": 1}
MEMORY = 10
"""Of all parts that run, in the tests of it."""


def choose(
    waiting: Collection[Candidate], running: Collection[Candidate], slots: Mapping[str, int]
) -> list[Candidate]:
    """The oracle: a sort of all parts that wait."""
    busy = list(running)
    chosen: list[Candidate] = []
    for candidate in sorted(waiting, key=lambda each: each.urgency):
        used = sum(other.part.resource == candidate.part.resource for other in busy)
        if used >= slots[candidate.part.resource] or not _may_join(candidate, busy):
            continue
        if busy and _taken(busy) + candidate.part.memory_bytes > MEMORY:
            break  # nothing may pass it
        busy.append(candidate)
        chosen.append(candidate)
    return chosen


def _may_join(candidate: Candidate, busy: Collection[Candidate]) -> bool:
    return all(
        not other.part.alone or (candidate.part.order == 0 and candidate.step == other.step) for other in busy
    )


def _taken(running: Collection[Candidate]) -> int:
    return sum(other.part.memory_bytes for other in running)


def want(
    item: str,
    at: float,
    name: str,
    order: int,
    *,
    alone: bool = False,
    resource: str = "cpu",
    memory: int = 0,
) -> Candidate:
    """A part that waits."""
    part = Part(name, order=order, alone=alone, resource=resource, memory_bytes=memory)
    return Candidate(item, at, "hls", 1, part)


def scheduler(*candidates: Candidate) -> Scheduler:
    """One in which these wait."""
    new = Scheduler(SLOTS, MEMORY)
    for step in dict.fromkeys(candidate.step for candidate in candidates):
        new.offer(step, [candidate for candidate in candidates if candidate.step == step])
    return new


def names(candidates: Collection[Candidate]) -> list[str]:
    """The names of the parts."""
    return [candidate.part.name for candidate in candidates]


def test_a_new_item_s_first_part_goes_before_an_old_one_s_hundredth() -> None:
    """Order counts before age; among equals the newest is first."""
    old = [want("old", 1, f"c{n}", n) for n in range(100, 103)]
    chosen = scheduler(*old, want("new", 2, "c0", 0), want("newer", 3, "c0", 0)).choose()
    assert [candidate.item_id for candidate in chosen] == ["newer", "new"]


def test_never_more_parts_than_slots() -> None:
    """A slot is free again when its part ended."""
    waiting = scheduler(
        *(want("a", 1, f"c{n}", n) for n in range(5)), want("a", 1, "w", 9, resource="speech")
    )
    first = waiting.choose()
    assert names(first) == ["c0", "c1", "w"]
    assert waiting.choose() == []
    waiting.ended(first[0])
    assert names(waiting.choose()) == ["c2"]


def test_beside_a_part_that_is_alone() -> None:
    """Only parts of order 0 of its own step start, and everything else when it ended."""
    waiting = scheduler(
        want("a", 1, "video", 0, alone=True),
        want("a", 1, "voice", 0),
        want("a", 1, "c1", 1),
        want("b", 0, "c5", 5),
        want("b", 0, "w", 9, resource="speech"),
    )
    first, second = waiting.choose()
    assert names([first, second]) == ["video", "voice"]
    waiting.ended(second)
    assert waiting.choose() == []
    waiting.ended(first)
    assert names(waiting.choose()) == ["c1", "c5", "w"]


def test_parts_run_together_as_far_as_their_memory_fits() -> None:
    """The next one starts when enough is free."""
    waiting = scheduler(want("a", 1, "c0", 0, memory=6), want("a", 1, "c1", 1, memory=5))
    (first,) = waiting.choose()
    assert first.part.name == "c0"
    waiting.ended(first)
    assert names(waiting.choose()) == ["c1"]


def test_light_parts_do_not_pass_a_heavy_one() -> None:
    """It would wait as long as light ones come; nor does one on another resource take the memory that it waits for."""
    light = want("a", 1, "c0", 0, memory=4)
    waiting = scheduler(
        light,
        want("a", 1, "heavy", 1, memory=8),
        want("a", 1, "c2", 2, memory=1),
        want("a", 1, "w", 9, resource="speech", memory=1),
    )
    assert waiting.choose() == [light]
    waiting.ended(light)
    assert names(waiting.choose()) == ["heavy", "c2", "w"]


def test_a_part_that_never_fits_runs_while_nothing_else_does() -> None:
    """Estimates are careful, so it may well succeed; and it must not wait for ever."""
    waiting = scheduler(want("a", 1, "c0", 0, memory=99), want("a", 1, "c1", 1, memory=1))
    (heavy,) = waiting.choose()
    assert heavy.part.name == "c0"
    assert waiting.choose() == []
    waiting.ended(heavy)
    assert names(waiting.choose()) == ["c1"]


def test_without_a_bound_memory_counts_for_nothing() -> None:
    """`limits.memory_mebibytes: 0`."""
    unbounded = Scheduler(SLOTS)
    parts = [want("a", 1, f"c{n}", n, memory=1 << 60) for n in range(2)]
    unbounded.offer(parts[0].step, parts)
    assert unbounded.choose() == parts


def test_what_is_withheld_does_not_start() -> None:
    """Also when it was the most urgent part; offered again, it goes first again."""
    first, second = want("a", 2, "c0", 0), want("b", 1, "c0", 0)
    waiting = scheduler(first, second)
    waiting.withhold(first.step)
    assert waiting.choose() == [second]
    waiting.offer(first.step, [first])
    assert waiting.choose() == [first]


def test_a_resource_without_slots_is_refused() -> None:
    """A part that could never start is a mistake in its stage."""
    with pytest.raises(KeyError):
        scheduler(want("a", 1, "c0", 0, resource="gpu"))


CANDIDATES = st.builds(
    lambda item, stage, order, alone, resource, memory: Candidate(
        f"item-{item}",
        float(item // 2),
        f"stage-{stage}",
        stage,
        Part("", order, resource=resource, alone=alone, memory_bytes=memory),
    ),
    st.integers(0, 4),
    st.integers(0, 2),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(sorted(SLOTS)),
    st.integers(0, MEMORY + 3),
)


class Choosing(RuleBasedStateMachine):
    """Steps are offered, offered anew and withheld, parts end in any order: each choice is the oracle's."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler(SLOTS, MEMORY)
        self.waiting: dict[tuple[str, str], list[Candidate]] = {}
        self.running: list[Candidate] = []
        self.number = 0

    @rule(candidates=st.lists(CANDIDATES, max_size=12))
    def offer(self, candidates: list[Candidate]) -> None:
        for step in {candidate.step for candidate in candidates}:
            self.waiting[step] = []
        for candidate in candidates:
            self.number += 1
            part = replace(candidate.part, name=f"part-{self.number % 7}-{self.number}")
            self.waiting[candidate.step].append(replace(candidate, part=part))
        for step in {candidate.step for candidate in candidates}:
            self.scheduler.offer(step, self.waiting[step])

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withhold(self, data: st.DataObject) -> None:
        step = data.draw(st.sampled_from(sorted(self.waiting)))
        del self.waiting[step]
        self.scheduler.withhold(step)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.running) - 1))
        self.scheduler.ended(self.running.pop(index))

    @rule()
    def choose(self) -> None:
        expected = choose([each for step in self.waiting.values() for each in step], self.running, SLOTS)
        assert self.scheduler.choose() == expected
        for candidate in expected:
            self.waiting[candidate.step].remove(candidate)
        self.running += expected
        assert _taken(self.running) <= MEMORY or len(self.running) == 1


TestChoosing = Choosing.TestCase
TestChoosing.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, MEMORY + 3)),
        unique_by=lambda each: each[:2],
    )
)
def test_all_parts_are_chosen_in_the_end(orders: list[tuple[int, int, int]]) -> None:
    """In the order of the oracle, whatever runs beside, and however heavy they are."""
    candidates = [
        want(f"{item:02}", float(item), f"c{order:02}", order, memory=memory)
        for item, order, memory in orders
    ]
    waiting, started = scheduler(*candidates), []
    while chosen := waiting.choose():
        started += chosen
        for candidate in chosen:
            waiting.ended(candidate)
    assert started == sorted(candidates, key=lambda each: each.urgency)
