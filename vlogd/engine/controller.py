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
from vlogd.engine.dispatcher import Floor
from vlogd.engine.executors.contract import Executor
from vlogd.engine.executors.worker import Bench
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemOnDisk, LibraryWorker, Position
from vlogd.engine.maintenance import Maintenance
from vlogd.engine.policy import Rules
from vlogd.engine.publishing import Publishing
from vlogd.engine.removal import Departures
from vlogd.engine.state import Leaving, OpenStep, Tracked
from vlogd.engine.survey import as_final, survey
from vlogd.storage.journal import Journal

_log = get_logger()


class Decider:
    """All state of the running daemon. `tell` puts an event on its queue, from any thread."""

    def __init__(
        self,
        rules: Rules,
        bench: Bench,
        journal: Journal,
        worker: LibraryWorker,
        executor: Executor,
        tell: Callable[[Callable[[], None]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._worker = worker
        self._clock = clock
        self._new: deque[str] = deque()
        self._waiting: deque[str] = deque()
        self._away = admission.Away()
        self._tracked: dict[str, Tracked] = {}
        self._floor = Floor(rules, bench, journal, executor, tell, clock)
        patience = rules.retry.unavailable_wait_seconds
        self._queue = LibraryQueue(executor, tell, bench.stop, clock, patience)
        self._publishing = Publishing(worker, self._queue, bench, clock, patience, self._broken)
        self._departures = Departures(worker, self._queue, journal, self._floor, self._gone, self._broken)
        self.maintenance = Maintenance(rules, worker, self._queue, clock)

    # What others ask of it

    def accept(self, item: Item) -> None:
        """A new item: it goes before all that wait."""
        self._journal.add_item(item)
        tracked = self._tracked.get(item.id)
        if tracked is None:
            self._new.appendleft(item.id)
        else:
            tracked.dropped = item

    def look_again(self, item_ids: Iterable[str]) -> None:
        """Survey these items, newest first, as slots allow."""
        queued = {*self._new, *self._waiting, *self._tracked}
        found = [item_id for item_id in item_ids if item_id not in queued]
        self._away.forget(found)
        self._waiting.extend(found)

    def retry(self, item_id: str) -> None:
        """Forget an item's failures and take it up again."""
        self._journal.forgive(item_id)
        self._floor.parked_items.discard(item_id)
        tracked = self._tracked.get(item_id)
        if tracked is None:
            self._new.appendleft(item_id)
            return
        tracked.failures = []
        tracked.cancelled, tracked.stop = False, threading.Event()
        for step in tracked.steps.values():
            step.parked, step.trouble, step.not_before, step.stale = False, None, 0.0, True
            step.position = None  # what lies on the disk may be less than what was made
        tracked.dirty = True

    def remove(self, item: Item, leaving: Leaving) -> None:
        """Take an item away: off the page and into the trash."""
        if item.id in self._waiting:
            self._waiting.remove(item.id)
        tracked = self._tracked.setdefault(item.id, Tracked(item))
        tracked.leaving = leaving if tracked.leaving is None else tracked.leaving.joined(leaving)
        tracked.stop.set()

    def restore(self, item_id: str, fulfilled: Callable[[], None]) -> None:
        """Bring an item back from the trash and take it up."""
        self._departures.restore(item_id, self.accept, fulfilled)

    def cancel(self, item_id: str) -> None:
        """Make nothing more of an item until somebody says retry."""
        tracked = self._tracked.get(item_id)
        if tracked is None:
            if item_id in self._waiting:
                self._waiting.remove(item_id)
            tracked = self._begin(item_id)
        if tracked is not None:
            tracked.cancelled = True
            tracked.stop.set()
            self._park_cancelled(tracked)

    @property
    def items(self) -> Collection[Tracked]:
        """The items in work."""
        return self._tracked.values()

    @property
    def waiting(self) -> int:
        """How many items have not been taken up."""
        return len(self._new) + len(self._waiting)

    @property
    def waits(self) -> list[str]:
        """What is not done on the library's disk because it is away or full, in sentences."""
        return [*self._queue.waits(), *self._publishing.catalog.rests()]

    @property
    def rests(self) -> list[str]:
        """Why essential work rests, in sentences."""
        return [*self.waits, *queries.rests(self.items), *self._away.rests()]

    def finished(self) -> bool:
        """Whether nothing is left to do but what rests on something outside."""
        busy = any(queries.has_future(tracked) for tracked in self.items) or self._away.goes_on
        return not self.waiting and self._queue.is_idle and self._publishing.catalog.finished and not busy

    @property
    def parked_items(self) -> set[str]:
        """The ids of items that failed, as far as they were looked at."""
        return self._floor.parked_items

    def next_due(self) -> float | None:
        """When (epoch seconds) something must be done although nobody tells anything."""
        items = [*queries.due(self.items, self._clock()), *self._away.due(self._clock())]
        return min([*items, *self._queue.due(), *self._publishing.catalog.due()], default=None)

    # What it does after each event

    def act(self) -> None:
        """Take items up, start parts, show what is new."""
        self._queue.resubmit()
        self._begin_again()
        self._take_up()
        staying = [tracked for tracked in self.items if tracked.leaving is None]
        for tracked in staying:
            self._open_steps(tracked)
        self._floor.start(staying)
        for tracked in staying:
            self._publishing.publish(tracked)
            self._let_go(tracked)
        self._publishing.catalog.write_if_due()
        self._departures.take_away([one for one in self.items if one.leaving is not None])
        for tracked in admission.surplus(self.items):
            del self._tracked[tracked.item.id]
            self._away.put(tracked)

    def _take_up(self) -> None:
        room = admission.BUSY - admission.busy(self.items)
        while self._new and (room > 0 or self._make_room()):
            room -= self._begin(self._new.popleft(), new=True) is not None
        while self._waiting and room > 0:
            room -= self._begin(self._waiting.popleft()) is not None
        for item_id in self._away.take_due(self._clock(), room):
            self._begin(item_id, again=True)

    def _make_room(self) -> bool:
        """Put an item back to those that wait, for a new one."""
        tracked = admission.gives_way(self.items)
        if tracked is not None:
            del self._tracked[tracked.item.id]
            self._waiting.appendleft(tracked.item.id)
        return tracked is not None

    def _begin(self, item_id: str, *, new: bool = False, again: bool = False) -> Tracked | None:
        self._away.forget([item_id])
        item = None if item_id in self._tracked else self._journal.item(item_id)
        if item is None:
            return None
        tracked = Tracked(item, new, again, failures=self._journal.attempts(item_id))
        self._tracked[item_id] = tracked
        self._ask(partial(self._worker.take_up, item), partial(self._surveyed, tracked), tracked, None)
        return tracked

    def _open_steps(self, tracked: Tracked) -> None:
        now = self._clock()
        for step in tracked.steps.values():
            if step.stale and not step.looking and step.not_before <= now and not step.parked:
                step.looking, step.stale = True, False
                receipts = None if step.position is None else step.position.receipts
                self._ask(
                    partial(self._worker.position, step.step, receipts),
                    partial(self._positioned, tracked, step, step.position),
                    tracked,
                    step,
                )

    def _gone(self, tracked: Tracked) -> None:
        self._tracked.pop(tracked.item.id, None)
        if tracked.dropped is not None:
            self.accept(tracked.dropped)

    def _begin_again(self) -> None:
        """What was dropped again while it was in work is read anew."""
        for tracked in [one for one in self.items if one.dropped and not one.leaving and one.at_rest()]:
            del self._tracked[tracked.item.id]
            self._new.appendleft(tracked.item.id)

    def _let_go(self, tracked: Tracked) -> None:
        """An item with nothing to do any more leaves the memory."""
        if tracked.survey is not None and not tracked.busy() and not tracked.steps:
            del self._tracked[tracked.item.id]
            self.maintenance.retire(tracked)
            self.maintenance.sweep(tracked, partial(self._broken, tracked.item.id))

    # What others tell it

    def _is_here(self, tracked: Tracked) -> bool:
        """Whether it is still the one in memory: it may have gone while a question was open."""
        return self._tracked.get(tracked.item.id) is tracked

    def _surveyed(self, tracked: Tracked, found: ItemOnDisk) -> None:
        if self._is_here(tracked):
            tracked.artifacts, tracked.final = found.artifacts, found.final
            self._survey(tracked)

    def _survey(self, tracked: Tracked) -> None:
        settings = self._rules.settings(tracked.item.inbox)
        found = survey(tracked.item, self._rules.stages, settings, tracked.artifacts)
        tracked.survey = as_final(found) if tracked.final else found
        for opened in tracked.open(tracked.survey.steps, self._rules.retry):
            step = opened.step
            _log.info("step.wanted", item=step.item.slug, stage=step.stage.name, reason=step.reason)
        tracked.dirty = True
        if tracked.cancelled:
            self._park_cancelled(tracked)
        self._floor.note_parked(tracked)

    def _park_cancelled(self, tracked: Tracked) -> None:
        error = Cancelled("It was cancelled; `vlogd retry` takes it up again.")
        for step in tracked.steps.values():
            if not step.parked:
                self._floor.failed(tracked, step, "-", error)

    def _positioned(self, tracked: Tracked, step: OpenStep, known: Position | None, found: Position) -> None:
        step.looking = False
        if not self._is_here(tracked):
            return
        if step.position is None and known is not None and found.artifact is None:
            return  # somebody said retry meanwhile: the disk is asked again, with nothing taken for known
        step.learn(found)
        tracked.dirty = True
        if found.artifact is not None:
            artifact = found.artifact
            self._journal.add_artifact(artifact, round(step.seconds, 3) if step.seconds else None)
            _log.info(
                "step.made", item=tracked.item.slug, stage=artifact.stage, seconds=round(step.seconds, 1)
            )
            tracked.artifacts.append(artifact)
            self._survey(tracked)

    def _ask(
        self, question: Callable[[], Any], answer: Callable[[Any], None], of: Tracked, step: OpenStep | None
    ) -> None:
        """Have the library's thread answer; trouble there holds back this item or step only."""
        failed = partial(self._unanswered, of, step)
        self._queue.submit(question, answer, failed, waits_for_disk=step is None, urgent=of.new)

    def _unanswered(self, tracked: Tracked, step: OpenStep | None, error: Exception) -> None:
        if step is None:
            self._broken(tracked.item.id, error)
        elif self._is_here(tracked):
            step.looking = False
            self._floor.failed(tracked, step, "-", error)

    def _broken(self, item_id: str, error: Exception) -> None:
        """An item met something that nobody foresaw: it is left alone until somebody says retry."""
        _log.error("bug", item=item_id, exc_info=error)
        self._floor.parked_items.add(item_id)
        self._tracked.pop(item_id, None)
