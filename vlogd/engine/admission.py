"""How many items are in memory: enough to choose from, few enough to stay flat, however many there are.

An item that leaves the memory loses nothing: it is read again from the disks when it is taken up again.
"""

import heapq
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from vlogd.engine import queries
from vlogd.engine.state import Tracked

BUSY = 64
"""Items that are worked on at once."""

RESTING = 256
"""Items that are kept although nothing happens to them now: each is a table of parts, and a look at every event."""


def busy(items: Iterable[Tracked]) -> int:
    """How many items are worked on. One that only waits for something, or failed, keeps nobody else out."""
    return sum(tracked.leaving is None and not tracked.rests() for tracked in items)


def gives_way(items: Iterable[Tracked]) -> Tracked | None:
    """Who is put back for a new drop: somebody for whom nothing runs now, watchable if possible, the oldest."""
    idle = [
        tracked
        for tracked in items
        if tracked.survey is not None and tracked.leaving is None and tracked.at_rest()
        if not tracked.rests() and not tracked.cancelled
    ]
    return max(idle, key=lambda one: (_watchable(one), -one.item.accepted_at), default=None)


def surplus(items: Iterable[Tracked]) -> list[Tracked]:
    """The resting items that are too many in memory, those whose time comes last."""
    resting = [tracked for tracked in items if tracked.leaving is None and tracked.rests()]
    if len(resting) <= RESTING:
        return []
    return sorted(resting, key=_due, reverse=True)[: len(resting) - RESTING]


def _watchable(tracked: Tracked) -> bool:
    return tracked.report is not None and tracked.report.playable


def _due(tracked: Tracked) -> float:
    """When (epoch seconds) a resting item is to be looked at again; never by itself when all that is left is parked."""
    times = [step.not_before for step in tracked.steps.values() if not step.parked]
    return min([*times, *([tracked.show_after] if tracked.unseen else [])], default=math.inf)


@dataclass(frozen=True)
class _Rest:
    """`due` in epoch seconds; `essential`: its video cannot be made now; `goes_on`: it is tried again within `--once`."""

    due: float
    essential: bool
    goes_on: bool


class Away:
    """The resting items that were let go from memory, by id: some bytes each."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}
        self._queue: list[tuple[float, str]] = []

    def put(self, tracked: Tracked) -> None:
        """Remember when to look at an item again."""
        rest = _Rest(_due(tracked), bool(queries.rests([tracked])), queries.has_future(tracked))
        if rest.due < math.inf:
            self._rests[tracked.item.id] = rest
            heapq.heappush(self._queue, (rest.due, tracked.item.id))

    def forget(self, item_ids: Collection[str]) -> None:
        """They are looked at now."""
        for item_id in item_ids:
            self._rests.pop(item_id, None)

    def due(self, now: float) -> list[float]:
        """When (epoch seconds) the next one is to be looked at; those whose time has come wait for room."""
        return [self._queue[0][0]] if self._queue and self._queue[0][0] > now else []

    def take_due(self, now: float, most: int) -> list[str]:
        """Some items whose time has come."""
        found: list[str] = []
        while self._queue and self._queue[0][0] <= now and len(found) < most:
            due, item_id = heapq.heappop(self._queue)
            if item_id in self._rests and self._rests[item_id].due == due:
                del self._rests[item_id]
                found.append(item_id)
        return found

    @property
    def goes_on(self) -> bool:
        """Whether one of them is tried again although nothing changes outside."""
        return any(rest.goes_on for rest in self._rests.values())

    def rests(self) -> list[str]:
        """That essential work rests among them, in a sentence."""
        count = sum(rest.essential for rest in self._rests.values())
        return [f"{count} more videos wait likewise."] if count else []
