"""The one thread that decides. Others only work; they tell it how things went.

The loop reads as a straight line: hear an event, survey the item, start the parts that are most
wanted, show viewers what is new. There is no code for resuming: an item that is taken up, at a
start or after a drop, is surveyed, and what is missing is done.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from vlogd import outlook
from vlogd.errors import Cancelled
from vlogd.executor import ARCHIVE, Executor
from vlogd.floor import Floor
from vlogd.journal import Journal
from vlogd.librarian import Found, Librarian, Position
from vlogd.log import get_logger
from vlogd.model import Item
from vlogd.plan import as_final, survey
from vlogd.questions import Questions
from vlogd.rules import Rules
from vlogd.runner import Bench
from vlogd.showing import Showing
from vlogd.tracked import Leaving, OpenStep, Tracked

_log = get_logger()

_OPEN_STEPS = 64
"""Items that are taken up at once: enough to choose from, few enough for a flat memory."""


class Decider:
    """All state of the running daemon. `tell` puts an event on its queue, from any thread."""

    def __init__(
        self,
        rules: Rules,
        bench: Bench,
        journal: Journal,
        librarian: Librarian,
        executor: Executor,
        tell: Callable[[Callable[[], None]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._journal = journal
        self._librarian = librarian
        self._clock = clock
        self._waiting: deque[str] = deque()
        self._tracked: dict[str, Tracked] = {}
        self._floor = Floor(rules, bench, journal, executor, tell, clock)
        patience = rules.retry.unavailable_wait_seconds
        self._questions = Questions(executor, tell, bench.stop, clock, patience)
        broken = lambda item_id, error: self._unanswered(item_id, None, error)  # noqa: E731 - one line says it
        self._showing = Showing(librarian, self._questions, bench, clock, patience, broken)

    # What others ask of it

    def accept(self, item: Item) -> None:
        """A new item: it goes before all that wait."""
        self._journal.add_item(item)
        tracked = self._tracked.get(item.id)
        if tracked is None:
            self._waiting.appendleft(item.id)
        else:
            tracked.again = item

    def look_again(self, item_ids: Iterable[str]) -> None:
        """Survey these items, newest first, as slots allow."""
        queued = {*self._waiting, *self._tracked}
        self._waiting.extend(item_id for item_id in item_ids if item_id not in queued)

    def retry(self, item_id: str) -> None:
        """Forget an item's failures and take it up again."""
        self._journal.forgive(item_id)
        self._floor.parked_items.discard(item_id)
        tracked = self._tracked.get(item_id)
        if tracked is None:
            self._waiting.appendleft(item_id)
            return
        tracked.failures = []
        tracked.cancelled, tracked.stop = False, threading.Event()
        for step in tracked.steps.values():
            step.parked, step.trouble, step.not_before, step.stale = False, None, 0.0, True
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

        def restored(item: Item) -> None:
            _log.info("item.restored", item=item.slug)
            self.accept(item)
            fulfilled()

        def failed(error: Exception) -> None:
            _log.warning("item.not_restored", item=item_id, why=str(error))
            fulfilled()

        self._questions.ask(partial(self._librarian.restore, item_id), restored, failed, patient=True)

    def tidy(self, inboxes: Collection[Path]) -> None:
        """Delete what has lain long enough in the trash and in the inboxes' `_failed`."""
        heard = lambda gone: gone and _log.info("trash.emptied", gone=" ".join(gone))  # noqa: E731
        failed = lambda error: _log.warning("trash.not_emptied", why=str(error))  # noqa: E731
        self._questions.ask(partial(self._librarian.tidy, inboxes), heard, failed, patient=False)

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
        return len(self._waiting)

    def finished(self) -> bool:
        """Whether nothing is left to do but what rests on something outside."""
        busy = any(outlook.has_future(tracked) for tracked in self.items)
        return not self._waiting and self._questions.answered and not busy

    @property
    def parked_items(self) -> set[str]:
        """The ids of items that failed, as far as they were looked at."""
        return self._floor.parked_items

    def next_due(self) -> float | None:
        """When (epoch seconds) something must be done although nobody tells anything."""
        return min([*outlook.due(self.items, self._clock()), *self._questions.due()], default=None)

    # What it does after each event

    def act(self) -> None:
        """Take items up, start parts, show what is new."""
        self._questions.ask_again()
        self._begin_again()
        self._take_up()
        staying = [tracked for tracked in self.items if tracked.leaving is None]
        for tracked in staying:
            self._open_steps(tracked)
        self._floor.start(staying)
        for tracked in staying:
            self._showing.show(tracked)
            self._let_go(tracked)
        for tracked in [tracked for tracked in self.items if tracked.leaving is not None]:
            self._take_away(tracked)

    def _take_up(self) -> None:
        while self._waiting and sum(not t.settled() for t in self._tracked.values()) < _OPEN_STEPS:
            item_id = self._waiting.popleft()
            if item_id not in self._tracked:
                self._begin(item_id)

    def _begin(self, item_id: str) -> Tracked | None:
        item = self._journal.item(item_id)
        if item is None:
            return None
        tracked = self._tracked[item_id] = Tracked(item, failures=self._journal.attempts(item_id))
        self._ask(partial(self._librarian.take_up, item), partial(self._surveyed, tracked), item_id, None)
        return tracked

    def _open_steps(self, tracked: Tracked) -> None:
        now = self._clock()
        for step in tracked.steps.values():
            if step.stale and not step.looking and step.not_before <= now and not step.parked:
                step.looking, step.stale = True, False
                receipts = None if step.position is None else step.position.receipts
                self._ask(
                    partial(self._librarian.position, step.step, receipts),
                    partial(self._positioned, tracked.item.id, step),
                    tracked.item.id,
                    step,
                )

    def _take_away(self, tracked: Tracked) -> None:
        """Once nothing of it runs any more, an item that is leaving goes to the trash."""
        if not tracked.at_rest() or tracked.leaving is None:
            return
        tracked.publishing = True
        self._questions.ask(
            partial(self._librarian.remove, tracked.item, tracked.leaving.keep_until),
            partial(self._taken_away, tracked, tracked.leaving),
            partial(self._unanswered, tracked.item.id, None),
            patient=True,
        )

    def _taken_away(self, tracked: Tracked, asked: Leaving, _nothing: None) -> None:
        tracked.publishing = False
        if tracked.leaving is not asked:  # it was asked for again meanwhile, maybe for good
            return
        self._journal.remove_item(tracked.item.id)
        self._floor.parked_items.discard(tracked.item.id)
        self._tracked.pop(tracked.item.id, None)
        asked.gone()
        _log.info("item.removed", item=tracked.item.slug)
        if tracked.again is not None:
            self.accept(tracked.again)

    def _begin_again(self) -> None:
        """What was dropped again while it was in work is read anew."""
        for tracked in [one for one in self.items if one.again and not one.leaving and one.at_rest()]:
            del self._tracked[tracked.item.id]
            self._waiting.appendleft(tracked.item.id)

    def _let_go(self, tracked: Tracked) -> None:
        """An item with nothing to do any more leaves the memory."""
        if tracked.survey is not None and not tracked.busy() and not tracked.steps:
            del self._tracked[tracked.item.id]
            self._retire(tracked)
            grace = self._rules.sweep_after_seconds
            self._ask(
                partial(self._librarian.sweep, tracked.survey, (), grace),
                lambda _gone: None,
                tracked.item.id,
                None,
            )

    def _retire(self, tracked: Tracked) -> None:
        """Archive or delete the original of a finished video when that is due."""
        told, item = tracked.report, tracked.item
        if tracked.final or told is None or told.ready_at is None:
            return
        if not self._rules.keeping.is_due(told.ready_at, self._clock()):
            return
        heard = lambda how: how and _log.info("original.retired", item=item.slug, how=how)  # noqa: E731
        failed = lambda error: _log.warning("original.not_retired", item=item.slug, why=str(error))  # noqa: E731
        question = partial(self._librarian.retire, item)
        self._questions.ask(question, heard, failed, patient=False, resource=ARCHIVE)

    # What others tell it

    def _surveyed(self, tracked: Tracked, found: Found) -> None:
        tracked.artifacts, tracked.final = found.artifacts, found.final
        self._survey(tracked)

    def _survey(self, tracked: Tracked) -> None:
        settings = self._rules.settings(tracked.item.inbox)
        found = survey(tracked.item, self._rules.stages, settings, tracked.artifacts)
        tracked.survey = as_final(found) if tracked.final else found
        wanted = {step.stage.name: step for step in tracked.survey.steps}
        kept = {
            name: step
            for name, step in tracked.steps.items()
            if name in wanted and wanted[name].fingerprint == step.step.fingerprint
        }
        for name, step in wanted.items():
            if name not in kept:
                kept[name] = OpenStep(step)
                kept[name].recall(tracked.failures, self._rules.retry)
                kept[name].stale = not kept[name].parked
                _log.info("step.wanted", item=step.item.slug, stage=name, reason=step.reason)
        tracked.steps = kept
        tracked.dirty = True
        if tracked.cancelled:
            self._park_cancelled(tracked)
        self._floor.note_parked(tracked)

    def _park_cancelled(self, tracked: Tracked) -> None:
        error = Cancelled("It was cancelled; `vlogd retry` takes it up again.")
        for step in tracked.steps.values():
            if not step.parked:
                self._floor.failed(tracked, step, "-", error)

    def _positioned(self, item_id: str, step: OpenStep, position: Position) -> None:
        step.looking = False
        if step.position is not None:  # parts may have ended while the librarian was looking
            position = replace(
                position,
                receipts={**position.receipts, **step.position.receipts},
                have=position.have | step.position.have,
            )
        step.position = position
        tracked = self._tracked[item_id]
        tracked.dirty = True
        if position.artifact is not None:
            artifact = position.artifact
            self._journal.add_artifact(artifact, round(step.seconds, 3) if step.seconds else None)
            _log.info(
                "step.made", item=tracked.item.slug, stage=artifact.stage, seconds=round(step.seconds, 1)
            )
            tracked.artifacts.append(artifact)
            self._survey(tracked)

    def _ask(
        self, question: Callable[[], Any], answer: Callable[[Any], None], item_id: str, step: OpenStep | None
    ) -> None:
        """Have the library's thread answer; trouble there holds back this item or step only."""
        failed = partial(self._unanswered, item_id, step)
        self._questions.ask(question, answer, failed, patient=step is None)

    def _unanswered(self, item_id: str, step: OpenStep | None, error: Exception) -> None:
        if step is not None:
            step.looking = False
            self._floor.failed(self._tracked[item_id], step, "-", error)
            return
        _log.error("bug", item=item_id, exc_info=error)
        self._floor.parked_items.add(item_id)
        self._tracked.pop(item_id, None)
