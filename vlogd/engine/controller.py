"""The one thread that decides. Others only work; they tell it how things went.

The loop reads as a straight line: hear an event, survey the item, start the parts that are most
wanted, show viewers what is new. There is no code for resuming: an item that is taken up, at a
start or after a drop, is surveyed, and what is missing is done.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from vlogd.core.errors import Cancelled
from vlogd.core.log import get_logger
from vlogd.core.model import Item
from vlogd.engine import admission, queries
from vlogd.engine.dispatcher import Dispatcher
from vlogd.engine.executors.contract import Executor
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemOnDisk, LibraryWorker, Position
from vlogd.engine.maintenance import Maintenance
from vlogd.engine.policy import Policy
from vlogd.engine.publishing import Publishing
from vlogd.engine.removal import Removal
from vlogd.engine.state import ItemState, RemovalRequest, StepState
from vlogd.engine.survey import as_final, survey
from vlogd.storage.journal import Journal

_log = get_logger()


class Controller:
    """All state of the running daemon. `tell` puts an event on its queue, from any thread."""

    def __init__(
        self,
        policy: Policy,
        environment: Environment,
        journal: Journal,
        worker: LibraryWorker,
        executor: Executor,
        tell: Callable[[Callable[[], None]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._journal = journal
        self._worker = worker
        self._clock = clock
        self._new: deque[str] = deque()
        self._waiting: deque[str] = deque()
        self._evicted = admission.EvictedItems()
        self._states: dict[str, ItemState] = {}
        self._dispatcher = Dispatcher(policy, environment, journal, executor, tell, clock)
        patience = policy.retry.unavailable_wait_seconds
        self._queue = LibraryQueue(executor, tell, environment.stop, clock, patience)
        self._publishing = Publishing(worker, self._queue, environment, clock, patience, self._broken)
        self._removal = Removal(worker, self._queue, journal, self._dispatcher, self._gone, self._broken)
        self.maintenance = Maintenance(policy, worker, self._queue, clock)

    # What others ask of it

    def accept(self, item: Item) -> None:
        """A new item: it goes before all that wait."""
        self._journal.items.add(item)
        state = self._states.get(item.id)
        if state is None:
            self._new.appendleft(item.id)
        else:
            state.dropped = item

    def request_survey(self, item_ids: Iterable[str]) -> None:
        """Survey these items, newest first, as slots allow."""
        queued = {*self._new, *self._waiting, *self._states}
        found = [item_id for item_id in item_ids if item_id not in queued]
        self._evicted.forget(found)
        self._waiting.extend(found)

    def retry(self, item_id: str) -> None:
        """Forget an item's failures and take it up again."""
        self._journal.attempts.forgive(item_id)
        self._dispatcher.parked_items.discard(item_id)
        state = self._states.get(item_id)
        if state is None:
            self._new.appendleft(item_id)
            return
        state.failures = []
        state.cancelled, state.stop = False, threading.Event()
        for step in state.steps.values():
            step.parked, step.trouble, step.not_before, step.stale = False, None, 0.0, True
            step.position = None  # what lies on the disk may be less than what was made
        state.dirty = True

    def remove(self, item: Item, removal: RemovalRequest) -> None:
        """Take an item away: off the page and into the trash."""
        if item.id in self._waiting:
            self._waiting.remove(item.id)
        state = self._states.setdefault(item.id, ItemState(item))
        state.removal = removal if state.removal is None else state.removal.joined(removal)
        state.stop.set()

    def restore(self, item_id: str, fulfilled: Callable[[], None]) -> None:
        """Bring an item back from the trash and take it up."""
        self._removal.restore(item_id, self.accept, fulfilled)

    def cancel(self, item_id: str) -> None:
        """Make nothing more of an item until somebody says retry."""
        state = self._states.get(item_id)
        if state is None:
            if item_id in self._waiting:
                self._waiting.remove(item_id)
            state = self._begin(item_id)
        if state is not None:
            state.cancelled = True
            state.stop.set()
            self._park_cancelled(state)

    @property
    def items(self) -> Collection[ItemState]:
        """The items in work."""
        return self._states.values()

    @property
    def waiting(self) -> int:
        """How many items have not been taken up."""
        return len(self._new) + len(self._waiting)

    @property
    def storage_problems(self) -> list[str]:
        """What is not done on the library's disk because it is away or full, in sentences."""
        return [*self._queue.waits(), *self._publishing.catalog.rests()]

    @property
    def blockers(self) -> list[str]:
        """Why essential work rests, in sentences."""
        return [*self.storage_problems, *queries.blockers(self.items), *self._evicted.blockers()]

    def finished(self) -> bool:
        """Whether nothing is left to do but what rests on something outside."""
        busy = any(queries.has_future(state) for state in self.items) or self._evicted.goes_on
        return not self.waiting and self._queue.is_idle and self._publishing.catalog.finished and not busy

    @property
    def parked_items(self) -> set[str]:
        """The ids of items that failed, as far as they were looked at."""
        return self._dispatcher.parked_items

    def next_due(self) -> float | None:
        """When (epoch seconds) something must be done although nobody tells anything."""
        items = [*queries.due(self.items, self._clock()), *self._evicted.due(self._clock())]
        return min([*items, *self._queue.due(), *self._publishing.catalog.due()], default=None)

    # What it does after each event

    def act(self) -> None:
        """Take items up, start parts, show what is new."""
        self._queue.resubmit()
        self._begin_again()
        self._take_up()
        staying = [state for state in self.items if state.removal is None]
        for state in staying:
            self._open_steps(state)
        self._dispatcher.start(staying)
        for state in staying:
            self._publishing.publish(state)
            self._let_go(state)
        self._publishing.catalog.write_if_due()
        self._removal.take_away([one for one in self.items if one.removal is not None])
        for state in admission.surplus(self.items):
            del self._states[state.item.id]
            self._evicted.put(state)

    def _take_up(self) -> None:
        room = admission.MOST_ACTIVE - admission.active_count(self.items)
        while self._new and (room > 0 or self._make_room()):
            room -= self._begin(self._new.popleft(), new=True) is not None
        while self._waiting and room > 0:
            room -= self._begin(self._waiting.popleft()) is not None
        for item_id in self._evicted.take_due(self._clock(), room):
            self._begin(item_id, again=True)

    def _make_room(self) -> bool:
        """Put an item back to those that wait, for a new one."""
        state = admission.gives_way(self.items)
        if state is not None:
            del self._states[state.item.id]
            self._waiting.appendleft(state.item.id)
        return state is not None

    def _begin(self, item_id: str, *, new: bool = False, again: bool = False) -> ItemState | None:
        self._evicted.forget([item_id])
        item = None if item_id in self._states else self._journal.items.get(item_id)
        if item is None:
            return None
        state = ItemState(item, new, again, failures=self._journal.attempts.of(item_id))
        self._states[item_id] = state
        self._ask(partial(self._worker.take_up, item), partial(self._surveyed, state), state, None)
        return state

    def _open_steps(self, state: ItemState) -> None:
        now = self._clock()
        for step in state.steps.values():
            if step.stale and not step.looking and step.not_before <= now and not step.parked:
                step.looking, step.stale = True, False
                receipts = None if step.position is None else step.position.receipts
                self._ask(
                    partial(self._worker.position, step.step, receipts),
                    partial(self._positioned, state, step, step.position),
                    state,
                    step,
                )

    def _gone(self, state: ItemState) -> None:
        self._states.pop(state.item.id, None)
        if state.dropped is not None:
            self.accept(state.dropped)

    def _begin_again(self) -> None:
        """What was dropped again while it was in work is read anew."""
        for state in [one for one in self.items if one.dropped and not one.removal and one.at_rest()]:
            del self._states[state.item.id]
            self._new.appendleft(state.item.id)

    def _let_go(self, state: ItemState) -> None:
        """An item with nothing to do any more leaves the memory."""
        if state.survey is not None and not state.busy() and not state.steps:
            del self._states[state.item.id]
            self.maintenance.retire(state)
            self.maintenance.sweep(state, partial(self._broken, state.item.id))

    # What others tell it

    def _is_here(self, state: ItemState) -> bool:
        """Whether it is still the one in memory: it may have gone while a question was open."""
        return self._states.get(state.item.id) is state

    def _surveyed(self, state: ItemState, found: ItemOnDisk) -> None:
        if self._is_here(state):
            state.artifacts, state.final = found.artifacts, found.final
            self._survey(state)

    def _survey(self, state: ItemState) -> None:
        settings = self._policy.settings(state.item.inbox)
        found = survey(state.item, self._policy.stages, settings, state.artifacts)
        state.survey = as_final(found) if state.final else found
        for opened in state.open(state.survey.steps, self._policy.retry):
            step = opened.step
            _log.info("step.wanted", item=step.item.slug, stage=step.stage.name, reason=step.reason)
        state.dirty = True
        if state.cancelled:
            self._park_cancelled(state)
        self._dispatcher.note_parked(state)

    def _park_cancelled(self, state: ItemState) -> None:
        error = Cancelled("It was cancelled; `vlogd retry` takes it up again.")
        for step in state.steps.values():
            if not step.parked:
                self._dispatcher.failed(state, step, "-", error)

    def _positioned(self, state: ItemState, step: StepState, known: Position | None, found: Position) -> None:
        step.looking = False
        if not self._is_here(state):
            return
        if step.position is None and known is not None and found.artifact is None:
            return  # somebody said retry meanwhile: the disk is asked again, with nothing taken for known
        step.learn(found)
        state.dirty = True
        if found.artifact is not None:
            artifact = found.artifact
            self._journal.artifacts.add(artifact, round(step.seconds, 3) if step.seconds else None)
            _log.info("step.made", item=state.item.slug, stage=artifact.stage, seconds=round(step.seconds, 1))
            state.artifacts.append(artifact)
            self._survey(state)

    def _ask(
        self,
        question: Callable[[], Any],
        answer: Callable[[Any], None],
        of: ItemState,
        step: StepState | None,
    ) -> None:
        """Have the library's thread answer; trouble there holds back this item or step only."""
        failed = partial(self._unanswered, of, step)
        self._queue.submit(question, answer, failed, waits_for_disk=step is None, urgent=of.new)

    def _unanswered(self, state: ItemState, step: StepState | None, error: Exception) -> None:
        if step is None:
            self._broken(state.item.id, error)
        elif self._is_here(state):
            step.looking = False
            self._dispatcher.failed(state, step, "-", error)

    def _broken(self, item_id: str, error: Exception) -> None:
        """An item met something that nobody foresaw: it is left alone until somebody says retry."""
        _log.error("bug", item=item_id, exc_info=error)
        self._dispatcher.parked_items.add(item_id)
        self._states.pop(item_id, None)
