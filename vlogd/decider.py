"""The one thread that decides. Others only work; they tell it how things went.

The loop reads as a straight line: hear an event, survey the item, start the parts that are most
wanted, show viewers what is new. There is no code for resuming: an item that is taken up, at a
start or after a drop, is surveyed, and what is missing is done.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from vlogd.errors import Unavailable
from vlogd.executor import Executor
from vlogd.floor import Floor
from vlogd.journal import Journal
from vlogd.librarian import Librarian, Position
from vlogd.log import get_logger
from vlogd.model import Artifact, Item
from vlogd.plan import survey
from vlogd.questions import Questions
from vlogd.report import Report
from vlogd.rules import Rules
from vlogd.runner import Bench
from vlogd.tracked import OpenStep, Tracked

_log = get_logger()

_OPEN_STEPS = 64
"""Items that are taken up at once: enough to choose from, few enough for a flat memory."""

_SHOW_SECONDS = 1.0
"""Viewers of an item that is being made see its state at most this old."""


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
        self._bench = bench
        self._journal = journal
        self._librarian = librarian
        self._clock = clock
        self._waiting: deque[str] = deque()
        self._tracked: dict[str, Tracked] = {}
        self._floor = Floor(rules, bench, journal, executor, tell, clock)
        self._questions = Questions(executor, tell, bench.stop, clock, rules.retry.unavailable_wait_seconds)

    # What others ask of it

    def accept(self, item: Item) -> None:
        """A new item: it goes before all that wait."""
        self._journal.add_item(item)
        self._waiting.appendleft(item.id)

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
        for step in tracked.steps.values():
            step.parked, step.trouble, step.not_before, step.stale = False, None, 0.0, True
        tracked.dirty = True

    def reports(self) -> list[Report]:
        """What is known of the items in work."""
        return [tracked.report for tracked in self._tracked.values() if tracked.report is not None]

    def shares(self) -> dict[str, dict[str, float]]:
        """Running parts and their share done, as "item/stage" to part to 0..1."""
        return {
            f"{tracked.item.id}/{name}": dict(step.at_work)
            for tracked in self._tracked.values()
            for name, step in tracked.steps.items()
            if step.at_work
        }

    @property
    def waiting(self) -> int:
        """How many items have not been taken up."""
        return len(self._waiting)

    def finished(self) -> bool:
        """Whether nothing is left to do but what rests on something outside."""
        busy = any(self._has_future(tracked) for tracked in self._tracked.values())
        return not self._waiting and self._questions.answered and not busy

    @property
    def parked_items(self) -> set[str]:
        """The ids of items that failed, as far as they were looked at."""
        return self._floor.parked_items

    def rests(self) -> list[str]:
        """Why essential work rests, in sentences."""
        resting = [
            step.trouble
            for tracked in self._tracked.values()
            for step in tracked.steps.values()
            if step.step.stage.essential and not step.parked and step.trouble
        ]
        return resting + [tracked.unseen for tracked in self._tracked.values() if tracked.unseen]

    def next_due(self) -> float | None:
        """When (epoch seconds) something must be done although nobody tells anything."""
        now = self._clock()
        held = [s.not_before for t in self._tracked.values() for s in t.steps.values() if s.not_before > now]
        shows = [t.show_after for t in self._tracked.values() if t.dirty and not t.publishing]
        return min([*held, *shows, *self._questions.due()], default=None)

    def _has_future(self, tracked: Tracked) -> bool:
        resting = all(step.parked or step.trouble for step in tracked.steps.values())
        held = any(self._will_retry_soon(step, tracked) for step in tracked.steps.values())
        return not tracked.unseen and (tracked.busy() or not resting or held)

    def _will_retry_soon(self, step: OpenStep, tracked: Tracked) -> bool:
        """A failed tool is tried again within `--once`; what is unavailable is not waited for."""
        return not step.parked and step.kinds(tracked.failures)[-1:] != [] and step.not_before > 0

    # What it does after each event

    def act(self) -> None:
        """Take items up, start parts, show what is new."""
        self._questions.ask_again()
        self._take_up()
        for tracked in list(self._tracked.values()):
            self._open_steps(tracked)
        self._floor.start(self._tracked.values())
        for tracked in list(self._tracked.values()):
            self._show(tracked)
            self._let_go(tracked)

    def _take_up(self) -> None:
        while self._waiting and sum(not t.settled() for t in self._tracked.values()) < _OPEN_STEPS:
            item_id = self._waiting.popleft()
            item = self._journal.item(item_id)
            if item is None or item_id in self._tracked:
                continue
            self._tracked[item_id] = Tracked(item, failures=self._journal.attempts(item_id))
            self._ask(
                partial(self._librarian.artifacts, item), partial(self._surveyed, item_id), item_id, None
            )

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

    def _show(self, tracked: Tracked) -> None:
        """Bring viewers up to date; not while the librarian may be about to commit a step.

        What is shown then would be the step's growing state, written over its finished files.
        """
        now = self._clock()
        if tracked.survey is None or not tracked.dirty or tracked.publishing or tracked.looking():
            return
        if now < tracked.show_after and not (tracked.survey.complete and not tracked.unseen):
            return
        tracked.dirty, tracked.publishing, tracked.show_after = False, True, now + _SHOW_SECONDS
        growing = tracked.growing(self._bench)
        self._questions.ask(
            partial(self._librarian.publish, tracked.survey, growing, tracked.progress()),
            partial(self._published, tracked),
            partial(self._unpublished, tracked),
            patient=False,
        )

    def _let_go(self, tracked: Tracked) -> None:
        """An item with nothing to do any more leaves the memory."""
        if tracked.survey is not None and not tracked.busy() and not tracked.steps:
            del self._tracked[tracked.item.id]
            grace = self._rules.sweep_after_seconds
            self._ask(
                partial(self._librarian.sweep, tracked.survey, (), grace),
                lambda _gone: None,
                tracked.item.id,
                None,
            )

    # What others tell it

    def _surveyed(self, item_id: str, artifacts: list[Artifact]) -> None:
        tracked = self._tracked[item_id]
        tracked.artifacts = artifacts
        self._survey(tracked)

    def _survey(self, tracked: Tracked) -> None:
        settings = self._rules.settings(tracked.item.inbox)
        tracked.survey = survey(tracked.item, self._rules.stages, settings, tracked.artifacts)
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
        self._floor.note_parked(tracked)

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

    def _published(self, tracked: Tracked, told: Report) -> None:
        before, tracked.publishing, tracked.unseen = tracked.report, False, None
        tracked.report = replace(told, eta_seconds=tracked.eta.seconds(told.progress, self._clock()))
        if told.playable and not (before and before.playable):
            _log.info("item.playable", item=told.slug)
        if told.status == "ready" and not (before and before.status == "ready"):
            _log.info("item.ready", item=told.slug, title=told.title)

    def _unpublished(self, tracked: Tracked, error: Exception) -> None:
        """Viewers could not be shown the latest: show them what is the latest when the disk is back."""
        tracked.publishing = False
        if not isinstance(error, Unavailable):
            self._unanswered(tracked.item.id, None, error)
            return
        _log.warning("library.waits", item=tracked.item.slug, why=str(error))
        tracked.dirty, tracked.unseen = True, str(error)
        tracked.show_after = self._clock() + self._rules.retry.unavailable_wait_seconds

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
