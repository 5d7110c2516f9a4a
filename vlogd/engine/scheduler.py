"""Which parts to start now. Pure: decided from the waiting parts, the running ones, the slots and the memory.

Order 0 of every step comes before order 1 of any, and so on; among equals the newest item
comes first. So each drop is playable soon after it arrived, a short clip is finished long before
the film that was dropped ahead of it, and the film still moves with every round.

A part that is `alone` is what somebody is waiting for. While it runs, nothing else is started, of any
resource, but parts of order 0 of its own step (the audio that belongs to the first video).

Parts run at the same time only as far as the memory that they may take fits into what is allowed; one alone always runs.
While the most urgent part that has a slot does not fit, no other is started, so that light parts cannot pass a heavy one for
ever: those that run end, and it starts, at the latest when nothing else runs.

The parts of each step wait in heaps, one for each resource, and the steps in other heaps by their most urgent part. So a
choice costs O(log n) for each part that is started, however many wait. An entry of the steps' heaps is not removed when
its step changes: it is passed over when it comes to the top and no longer is its step's most urgent part.
"""

import heapq
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from vlogd.core.model import Part

StepKey = tuple[str, str]
"""An item's id and a stage's name."""

_Urgency = tuple[int, float, int, str, str]


@dataclass(frozen=True)
class Candidate:
    """A part that waits or runs. `accepted_at` is its item's (epoch seconds), `stage_index` the place in the pipeline."""

    item_id: str
    accepted_at: float
    stage: str
    stage_index: int
    part: Part

    @property
    def step(self) -> StepKey:
        """The step that it belongs to."""
        return self.item_id, self.stage

    @property
    def urgency(self) -> _Urgency:
        """The smallest is the most urgent; the item's id only makes equals differ."""
        return self.part.order, -self.accepted_at, self.stage_index, self.part.name, self.item_id


class _Waiting:
    """The waiting parts of one step: a heap for each resource."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._heaps: dict[str, list[tuple[_Urgency, Candidate]]] = {}
        for candidate in candidates:
            self._heaps.setdefault(candidate.part.resource, []).append((candidate.urgency, candidate))
        for heap in self._heaps.values():
            heapq.heapify(heap)

    @property
    def resources(self) -> Collection[str]:
        """Those that its parts need."""
        return self._heaps

    def first(self, resource: str) -> Candidate | None:
        """The most urgent part."""
        heap = self._heaps.get(resource)
        return heap[0][1] if heap else None

    def take(self, resource: str) -> None:
        """Remove the most urgent part."""
        heapq.heappop(self._heaps[resource])


class Scheduler:
    """`slots` maps a resource to how many parts it runs at once; `memory_bytes` is for all, None for any amount."""

    def __init__(self, slots: Mapping[str, int], memory_bytes: int | None = None) -> None:
        self._free = dict(slots)
        self._memory_bytes = math.inf if memory_bytes is None else memory_bytes
        self._running = 0
        self._taken_bytes = 0
        self._waiting: dict[StepKey, _Waiting] = {}
        self._steps: dict[str, list[tuple[_Urgency, StepKey]]] = {resource: [] for resource in slots}
        self._alone: Counter[StepKey] = Counter()
        """Steps with a running part that is alone."""

    def offer(self, step: StepKey, candidates: Iterable[Candidate]) -> None:
        """Let these parts of a step wait, and none of its others. Raises KeyError for a resource without slots."""
        waiting = self._waiting[step] = _Waiting(candidates)
        for resource in waiting.resources:
            self._announce(step, resource)

    def withhold(self, step: StepKey) -> None:
        """Let no part of a step wait."""
        self._waiting.pop(step, None)

    def choose(self) -> list[Candidate]:
        """The parts to start now, in order. From now on they run, until `ended`."""
        chosen = []
        while (candidate := self._next()) is not None:
            self._begin(candidate)
            chosen.append(candidate)
        return chosen

    def ended(self, candidate: Candidate) -> None:
        """A part that was chosen runs no more."""
        self._free[candidate.part.resource] += 1
        self._running -= 1
        self._taken_bytes -= candidate.part.memory_bytes
        if candidate.part.alone:
            self._alone[candidate.step] -= 1
            self._alone += Counter()  # forgets those at zero

    def _begin(self, candidate: Candidate) -> None:
        resource = candidate.part.resource
        self._free[resource] -= 1
        self._running += 1
        self._taken_bytes += candidate.part.memory_bytes
        self._alone[candidate.step] += candidate.part.alone
        self._alone += Counter()
        self._waiting[candidate.step].take(resource)
        self._announce(candidate.step, resource)

    def _next(self) -> Candidate | None:
        free = [resource for resource, slots in self._free.items() if slots > 0]
        if not self._alone:
            firsts = [self._first(resource) for resource in free]
        elif len(self._alone) == 1:
            (step,) = self._alone
            firsts = [self._companion(step, resource) for resource in free]
        else:
            firsts = []
        most_urgent = min(
            (each for each in firsts if each is not None), key=lambda each: each.urgency, default=None
        )
        return most_urgent if most_urgent is not None and self._fits(most_urgent) else None

    def _fits(self, candidate: Candidate) -> bool:
        """Whether there is memory for it, beside what runs."""
        return not self._running or self._taken_bytes + candidate.part.memory_bytes <= self._memory_bytes

    def _first(self, resource: str) -> Candidate | None:
        """The most urgent part that waits for a resource."""
        heap = self._steps[resource]
        while heap:
            urgency, step = heap[0]
            waiting = self._waiting.get(step)
            first = waiting.first(resource) if waiting is not None else None
            if first is not None and first.urgency == urgency:
                return first
            heapq.heappop(heap)
        return None

    def _companion(self, step: StepKey, resource: str) -> Candidate | None:
        """The most urgent part that may run beside one of `step` that is alone."""
        waiting = self._waiting.get(step)
        first = waiting.first(resource) if waiting is not None else None
        return first if first is not None and first.part.order == 0 else None

    def _announce(self, step: StepKey, resource: str) -> None:
        first = self._waiting[step].first(resource)
        if first is not None:
            heapq.heappush(self._steps[resource], (first.urgency, step))
