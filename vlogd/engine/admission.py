"""How many items are kept in memory: enough to choose from, few enough for constant memory use.

Nothing is lost when an item is released from memory: it is read from the disks again when it is taken up again.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vlogd.core.errors import Unavailable
from vlogd.core.model import Item
from vlogd.engine import queries
from vlogd.engine.state import ItemState

MOST_ACTIVE = 64
"""Items worked on at once: many times the slots of a large machine, so that there is always one to choose."""

MOST_RESTING = 256
"""Items kept in memory while they wait: each costs a table of parts, and a check at every event."""


class ItemQueue:
    """The items that have not been taken up: new ones, and those that are to be surveyed, newest first."""

    def __init__(self) -> None:
        self._new: deque[Item] = deque()
        self._waiting: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._new) + len(self._waiting)

    def ids(self) -> set[str]:
        """The ids of all of them."""
        return {*(item.id for item in self._new), *self._waiting}

    def put_new(self, item: Item) -> None:
        """It goes to the front of the queue."""
        self._new.appendleft(item)

    def put_back(self, item_id: str) -> None:
        """It goes before the waiting items, after the new ones."""
        self._waiting.appendleft(item_id)

    def extend(self, item_ids: Iterable[str]) -> None:
        """They go behind the waiting items."""
        self._waiting.extend(item_ids)

    def discard(self, item_id: str) -> None:
        """It is not to be taken up."""
        if item_id in self._waiting:
            self._waiting.remove(item_id)
        self._new = deque(item for item in self._new if item.id != item_id)

    def has_new(self) -> bool:
        """Whether a new item is waiting."""
        return bool(self._new)

    def take_new(self) -> Item:
        """The next new item."""
        return self._new.popleft()

    def take(self) -> str | None:
        """The id of the next waiting item."""
        return self._waiting.popleft() if self._waiting else None


def active_count(items: Iterable[ItemState]) -> int:
    """How many items are worked on. One that only waits for something, or failed, takes no other's place."""
    return sum(state.is_staying and not state.is_resting() for state in items)


def eviction_candidate(items: Iterable[ItemState]) -> ItemState | None:
    """The item that is put back for a new drop: one for which nothing runs now, playable if possible, the oldest."""
    idle = [
        state
        for state in items
        if state.survey is not None and state.is_active and state.at_rest() and not state.is_resting()
    ]
    return max(idle, key=lambda state: (state.publish.is_playable, -state.item.accepted_at), default=None)


def surplus(items: Iterable[ItemState]) -> list[ItemState]:
    """The resting items in excess of the limit: those due last."""
    resting = [state for state in items if state.is_staying and state.is_resting()]
    if len(resting) <= MOST_RESTING:
        return []
    return sorted(resting, key=_due, reverse=True)[: len(resting) - MOST_RESTING]


def _due(state: ItemState) -> float:
    """When (monotonic seconds) a resting item is to be surveyed again; never, when every open step is parked."""
    times = [step.not_before for step in state.steps.values() if not step.is_parked]
    publishing = [state.publish.not_before] if state.publish.problem else []
    return min([*times, *publishing], default=math.inf)


@dataclass(frozen=True)
class _Rest:
    """An evicted item. `due` in monotonic seconds; `essential`: its video is blocked; `will_continue`: `--once` waits for it."""

    due: float
    essential: bool
    will_continue: bool


class EvictedItems:
    """The resting items that were evicted from memory, by id: a few bytes each."""

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}
        self._queue: list[tuple[float, str]] = []

    def put(self, state: ItemState) -> None:
        """Remember when to survey an item again."""
        rest = _Rest(_due(state), bool(queries.blockers([state])), queries.will_continue(state))
        if rest.due < math.inf:
            self._rests[state.item.id] = rest
            heapq.heappush(self._queue, (rest.due, state.item.id))

    def forget(self, item_ids: Collection[str]) -> None:
        """They are being surveyed now."""
        for item_id in item_ids:
            self._rests.pop(item_id, None)

    def due(self, now: float) -> list[float]:
        """When (monotonic seconds) the next one is to be surveyed; those that are due wait for room."""
        return [self._queue[0][0]] if self._queue and self._queue[0][0] > now else []

    def take_due(self, now: float, most: int) -> list[str]:
        """At most `most` items that are due."""
        taken: list[str] = []
        while self._queue and self._queue[0][0] <= now and len(taken) < most:
            due, item_id = heapq.heappop(self._queue)
            if item_id in self._rests and self._rests[item_id].due == due:
                del self._rests[item_id]
                taken.append(item_id)
        return taken

    @property
    def will_continue(self) -> bool:
        """Whether one of them will be retried without a change from outside."""
        return any(rest.will_continue for rest in self._rests.values())

    def blockers(self) -> list[str]:
        """That essential work is blocked among them, in a sentence."""
        count = sum(rest.essential for rest in self._rests.values())
        return [f"{count} more videos wait likewise."] if count else []


@contextmanager
def if_unavailable(put_back: Callable[[], None]) -> Iterator[None]:
    """Put back what was taken from a queue while the journal cannot be read: it would be forgotten until the next look."""
    try:
        yield
    except Unavailable:
        put_back()
        raise
