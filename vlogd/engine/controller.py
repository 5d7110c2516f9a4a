"""The one thread that decides. Others only work, and report the result.

It manages the items in memory: which ones there are, and what people request for them. `steps.py` decides what their
steps need, `dispatcher.py` which parts run, `publishing.py` what viewers see.

There is no code for resuming: an item that is taken up, at a start or after a drop, is surveyed, and whatever is missing
is done.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from vlogd.core.model import Item
from vlogd.engine import admission, queries
from vlogd.engine.addresses import Addresses
from vlogd.engine.dispatcher import Dispatcher
from vlogd.engine.executors.worker import Environment
from vlogd.engine.failures import Failures
from vlogd.engine.library_queue import LibraryQueue, not_done
from vlogd.engine.library_worker import ItemOnDisk
from vlogd.engine.maintenance import Maintenance
from vlogd.engine.policy import Policy
from vlogd.engine.publish_state import PublishState
from vlogd.engine.publishing import Publishing
from vlogd.engine.removal import Removal
from vlogd.engine.services import Services
from vlogd.engine.state import ItemState, RemovalRequest
from vlogd.engine.step_state import StepState
from vlogd.engine.steps import Steps
from vlogd.engine.transitions import ItemEffect, StepEffect
from vlogd.storage.verification import Mark


class Controller:
    """All state of the running daemon. Its methods are called on its thread only; call `act` after every event."""

    def __init__(self, policy: Policy, environment: Environment, services: Services) -> None:
        self._journal, self._worker = services.journal, services.worker
        self._emit, self._clock = services.emit, services.clock
        self._items: dict[str, ItemState] = {}
        self._waiting = admission.ItemQueue()
        self._evicted = admission.EvictedItems()
        patience = policy.retry.unavailable_wait_seconds
        worker, clock, emit = services.worker, services.clock, services.emit
        queue = LibraryQueue(services.jobs, services.post, environment.stop, clock, emit, patience)
        self._queue = queue
        self._reread_seconds = policy.retry.first_wait_seconds
        self._addresses = Addresses(worker, queue, services.journal, emit)
        self._failures = Failures(policy, services.journal, emit, clock)
        self._dispatcher = Dispatcher(
            policy, services.executor, self._failures, services.post, emit, self._carry_out
        )
        self._steps = Steps(policy, services.journal, worker, queue, self._failures, self._dispatcher, emit)
        self.maintenance = Maintenance(policy, environment, services, queue, self.request_survey)
        ready = self.maintenance.measure
        self._publishing = Publishing(services, queue, environment, patience, ready, self._broken)
        self._removal = Removal(worker, queue, services.journal, self._dispatcher, emit, self._gone, patience)

    # Requests from outside

    def accept(self, item: Item) -> None:
        """A new item: it goes to the front of the queue, once it has an address of its own."""
        self._addresses.settle([item], self._accept)

    def _accept(self, items: Sequence[Item]) -> None:
        for item in items:
            state = self._items.get(item.id)
            if state is None:
                self._waiting.put_new(item)
            else:
                state.dropped_again(item)
        self._journal.items.add(*items)

    def adopt(self, items: Sequence[Item]) -> None:
        """Items that the journal lacked."""
        self._addresses.settle(items, self._adopt)

    def _adopt(self, items: Sequence[Item]) -> None:
        self._journal.items.add(*items)
        self.request_survey(item.id for item in items)

    def request_survey(self, item_ids: Iterable[str]) -> None:
        """Survey these items, newest first, as slots allow."""
        known = self._waiting.ids() | self._items.keys()
        wanted = [item_id for item_id in item_ids if item_id not in known]
        self._evicted.forget(wanted)
        self._waiting.extend(wanted)

    def retry(self, item_id: str) -> None:
        """Forget an item's failures and take it up again."""
        self._journal.attempts.forgive(item_id)
        self._failures.failed_items.discard(item_id)
        state = self._items.get(item_id)
        if state is not None:
            self._carry_out_for_item(state, state.retried())
        elif (item := self._journal.items.get(item_id)) is not None:
            self._waiting.put_new(item)

    def cancel(self, item_id: str) -> None:
        """Do nothing more for an item until a user retries it."""
        state = self._items.get(item_id)
        if state is None:
            self._waiting.discard(item_id)
            state = self._take_up(self._journal.items.get(item_id))
        if state is not None:
            self._carry_out_for_item(state, state.cancelled())

    def remove(self, item: Item, request: RemovalRequest) -> None:
        """Remove an item from the page and move it to the trash."""
        self._waiting.discard(item.id)
        self._evicted.forget([item.id])
        state = self._items.setdefault(item.id, ItemState(item))
        self._carry_out_for_item(state, state.removed(request))

    def restore(self, item_id: str, fulfilled: Callable[[], None]) -> None:
        """Bring an item back from the trash and take it up."""
        self._removal.restore(item_id, self.accept, fulfilled)

    @property
    def items(self) -> Collection[ItemState]:
        """The items in memory."""
        return self._items.values()

    @property
    def waiting(self) -> int:
        """How many items have not been taken up."""
        return len(self._waiting)

    @property
    def storage_problems(self) -> list[str]:
        """What cannot be done because the library's disk is absent or full, in sentences."""
        return [*self._queue.waits(), *self._publishing.catalog.problems()]

    @property
    def blockers(self) -> list[str]:
        """Why essential work is blocked, in sentences."""
        return [*self.storage_problems, *queries.blockers(self.items), *self._evicted.blockers()]

    @property
    def failed_items(self) -> set[str]:
        """The ids of items that failed, as far as they were surveyed."""
        return self._failures.failed_items

    def finished(self) -> bool:
        """Whether nothing is left to do except what is waiting for something external."""
        busy = any(queries.will_continue(state) for state in self.items) or self._evicted.will_continue
        return not self.waiting and self._queue.is_idle and self._publishing.catalog.finished and not busy

    def next_due(self) -> float | None:
        """When (monotonic seconds) something must be done although nothing happens."""
        items = [*queries.due(self.items, self._clock()), *self._evicted.due(self._clock())]
        return min([*items, *self._queue.due(), *self._publishing.catalog.due()], default=None)

    # After each event

    def act(self) -> None:
        """Take items up, start parts, publish what is new."""
        self._queue.resubmit()
        self._addresses.resume()
        self._restart_dropped()
        self._admit()
        staying = [state for state in self.items if state.is_staying]
        for state in staying:
            self._steps.pause_ends(state, self._clock())
        self._dispatcher.start()
        for state in staying:
            self._publishing.publish(state)
            self._finish(state)
        self._publishing.catalog.write_if_due()
        self._removal.take_away([state for state in self.items if not state.is_staying])
        for state in admission.surplus(self.items):
            self._let_go(state)
            self._evicted.put(state)

    def _admit(self) -> None:
        """Take up as many items as there is room for; for a new one, room is made if possible."""
        room = admission.MOST_ACTIVE - admission.active_count(self.items)
        while self._waiting.has_new() and (room > 0 or self._make_room()):
            item = self._waiting.take_new()
            with admission.if_unavailable(partial(self._waiting.put_new, item)):
                room -= self._take_up(item, new=True) is not None
        while room > 0 and (item_id := self._waiting.take()) is not None:
            with admission.if_unavailable(partial(self._waiting.put_back, item_id)):
                room -= self._take_up(self._journal.items.get(item_id)) is not None
        due = self._evicted.take_due(self._clock(), room)
        with admission.if_unavailable(partial(self._waiting.extend, due)):
            for item_id in due:
                self._take_up(self._journal.items.get(item_id), again=True)

    def _make_room(self) -> bool:
        """Return one to the queue, to make room for a new item."""
        state = admission.eviction_candidate(self.items)
        if state is not None:
            self._let_go(state)
            self._waiting.put_back(state.item.id)
        return state is not None

    def _take_up(self, item: Item | None, *, new: bool = False, again: bool = False) -> ItemState | None:
        """Have an item read from the disks; None when it is no longer known, or already in memory.

        Raises Unavailable when the journal cannot be read.
        """
        if item is None or item.id in self._items:
            return None
        verified = self._journal.verified.of([item.id]).get(item.id)
        state = ItemState(
            item,
            again,
            failures=self._journal.attempts.of(item.id),
            publish=PublishState(is_new=new),
            mark=Mark.from_text(verified.mark) if verified else None,
        )
        self._evicted.forget([item.id])
        self._items[item.id] = state
        self._read(state)
        return state

    def _read(self, state: ItemState, after_seconds: float = 0.0) -> None:
        self._queue.submit(
            partial(self._worker.take_up, state.item, state.mark),
            partial(self._was_read, state),
            partial(self._broken, state.item.id),
            waits_for_disk=True,
            urgent=state.publish.is_new,
            after_seconds=after_seconds,
        )

    def _was_read(self, state: ItemState, on_disk: ItemOnDisk) -> None:
        """An item was read from the disks. A network file system may be wrong once about what is there: it is asked again."""
        if on_disk.vanished and state.is_here:
            state.doubted()
            self._read(state, self._reread_seconds)
        else:
            self._steps.read(state, on_disk)

    def _restart_dropped(self) -> None:
        """Start over with items that were dropped again while they were in memory."""
        for state in [each for each in self.items if each.dropped and each.is_staying and each.at_rest()]:
            self._let_go(state)
            self._waiting.put_new(state.dropped or state.item)

    def _finish(self, state: ItemState) -> None:
        """An item with nothing left to do is released from memory."""
        if state.survey is not None and not state.busy() and not state.steps:
            self._let_go(state)
            self.maintenance.finish(state, partial(self._broken, state.item.id))

    def _let_go(self, state: ItemState) -> None:
        """An item is released from memory; none of its parts is started any more."""
        state.let_go()
        self._withhold(state)
        if self._items.get(state.item.id) is state:
            del self._items[state.item.id]

    def _withhold(self, state: ItemState) -> None:
        for stage in state.steps:
            self._dispatcher.withhold(state, stage)

    # Effects

    def _carry_out(self, state: ItemState, step: StepState, effect: StepEffect) -> None:
        self._steps.carry_out(state, step, effect)

    def _carry_out_for_item(self, state: ItemState, effect: ItemEffect) -> None:
        """Apply the effect to an item; `ItemEffect.OPEN` follows only from a survey, and is applied there."""
        if effect in (ItemEffect.PARK, ItemEffect.STOP):
            self._dispatcher.cancel(state.item.id)
        if effect is ItemEffect.PARK:
            self._steps.park(state)
        elif effect is ItemEffect.STOP:
            self._withhold(state)
        elif effect is ItemEffect.REOPEN:
            self._steps.reopen(state)

    def _gone(self, state: ItemState) -> None:
        """An item is in the trash."""
        self._failures.failed_items.discard(state.item.id)
        self._let_go(state)
        if state.dropped is not None:
            self.accept(state.dropped)

    def _broken(self, item_id: str, error: Exception) -> None:
        """An item is left alone: a document of it cannot be understood, or it met an unexpected error.

        It is read again at the next look at the library, or when a user retries it.
        """
        state = self._items.get(item_id)
        item = state.item if state else None
        self._emit(not_done(error, "engine", item))
        self._failures.failed_items.add(item_id)
        if state is not None:
            self._dispatcher.cancel(item_id)
            self._let_go(state)
