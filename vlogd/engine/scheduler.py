"""Which parts to start now. Pure: who wants to run, who is running, how many slots there are.

Order 0 of everybody comes before order 1 of anybody, and so on; among equals the newest item
comes first. So each drop is playable soon after it arrived, a short clip is finished long before
the film that was dropped ahead of it, and the film still moves with every round.

A part that is `alone` is what somebody is waiting for. While it runs, nothing else is started, of any
resource, but parts of order 0 of its own step (the sound that belongs to the first picture).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vlogd.core.model import Part


@dataclass(frozen=True)
class Candidate:
    """A part that could run or is running."""

    item_id: str
    accepted_at: float
    stage: str
    stage_index: int
    part: Part


def choose(
    wanted: Collection[Candidate], running: Collection[Candidate], slots: Mapping[str, int]
) -> list[Candidate]:
    """The parts to start now, in order. `slots` maps a resource to how many parts it runs at once."""
    busy = list(running)
    chosen: list[Candidate] = []
    for candidate in sorted(wanted, key=_urgency):
        used = sum(other.part.resource == candidate.part.resource for other in busy)
        if used < slots[candidate.part.resource] and _may_join(candidate, busy):
            busy.append(candidate)
            chosen.append(candidate)
    return chosen


def _urgency(one: Candidate) -> tuple[int, float, int, str]:
    return one.part.order, -one.accepted_at, one.stage_index, one.part.name


def _may_join(candidate: Candidate, busy: Collection[Candidate]) -> bool:
    return all(
        not other.part.alone
        or (
            candidate.part.order == 0 and (candidate.item_id, candidate.stage) == (other.item_id, other.stage)
        )
        for other in busy
    )
