"""The one thread that decides. Others only work; they tell it how things went.

The loop reads as a straight line: hear an event, survey the item, start the parts that are most
wanted, show viewers what is new. There is no code for resuming: an item that is taken up, at a
start or after a drop, is surveyed, and what is missing is done.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vlogd.errors import Stopping, Unavailable
from vlogd.executor import LIBRARY, Executor
from vlogd.journal import Attempt, Journal
from vlogd.librarian import Librarian, Position
from vlogd.log import get_logger
from vlogd.model import Artifact, Item
from vlogd.plan import survey
from vlogd.report import Report
from vlogd.retry import Retry, kind_of
from vlogd.runner import Bench, Done, as_trouble, perform
from vlogd.schedule import Wanted, choose
from vlogd.stage import Stage
from vlogd.tracked import OpenStep, Tracked

_log = get_logger()

_OPEN_STEPS = 64
"""Items that are taken up at once: enough to choose from, few enough for a flat memory."""

_SHOW_SECONDS = 1.0
"""Viewers of an item that is being made see its state at most this old."""


@dataclass(frozen=True)
class Rules:
    """How to decide: the pipeline, each inbox's settings, slots, retries, the grace for sweeping."""

    stages: Sequence[Stage]
    settings: Callable[[str], Mapping[str, Any]]
    slots: Mapping[str, int]
    retry: Retry
    sweep_after_seconds: float = 3600.0


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
        self._executor = executor
        self._tell = tell
        self._clock = clock
        self._waiting: deque[str] = deque()
        self._tracked: dict[str, Tracked] = {}
        self._running: dict[tuple[str, str, str], Wanted] = {}
        self._later: list[tuple[float, Callable[[], None]]] = []
        self.parked_items: set[str] = set()

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
        self.parked_items.discard(item_id)
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
    def running(self) -> int:
        """How many parts are running."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many items have not been taken up."""
        return len(self._waiting)

    def finished(self) -> bool:
        """Whether nothing is left to do but what rests on something outside."""
        return not self._waiting and not any(self._has_future(tracked) for tracked in self._tracked.values())

    def rests(self) -> list[str]:
        """Why essential work rests, in sentences."""
        return [
            step.trouble or ""
            for tracked in self._tracked.values()
            for step in tracked.steps.values()
            if step.step.stage.essential and not step.parked and step.trouble
        ]

    def next_due(self) -> float | None:
        """When (epoch seconds) something must be done although nobody tells anything."""
        now = self._clock()
        held = [s.not_before for t in self._tracked.values() for s in t.steps.values() if s.not_before > now]
        shows = [
            t.published_at + _SHOW_SECONDS for t in self._tracked.values() if t.dirty and not t.publishing
        ]
        return min([*held, *shows, *(at for at, _ in self._later)], default=None)

    def _has_future(self, tracked: Tracked) -> bool:
        resting = all(step.parked or step.trouble for step in tracked.steps.values())
        held = any(self._will_retry_soon(step, tracked) for step in tracked.steps.values())
        return tracked.busy() or not resting or held

    def _will_retry_soon(self, step: OpenStep, tracked: Tracked) -> bool:
        """A failed tool is tried again within `--once`; what is unavailable is not waited for."""
        return not step.parked and step.kinds(tracked.failures)[-1:] != [] and step.not_before > 0

    # What it does after each event

    def act(self) -> None:
        """Take items up, start parts, show what is new."""
        self._ask_again()
        self._take_up()
        for tracked in list(self._tracked.values()):
            self._open_steps(tracked)
        self._start_parts()
        for tracked in list(self._tracked.values()):
            self._show(tracked)
            self._let_go(tracked)

    def _ask_again(self) -> None:
        now = self._clock()
        due = [job for at, job in self._later if at <= now]
        self._later = [(at, job) for at, job in self._later if at > now]
        for job in due:
            self._executor.submit(LIBRARY, job)

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

    def _start_parts(self) -> None:
        index = {stage.name: number for number, stage in enumerate(self._rules.stages)}
        now = self._clock()
        wanted = [
            Wanted(tracked.item.id, tracked.item.accepted_at, name, index[name], part)
            for tracked in self._tracked.values()
            for name, step in tracked.steps.items()
            if not step.parked and not step.looking and not step.stale and step.not_before <= now
            for part in step.missing()
        ]
        for one in choose(wanted, self._running.values(), self._rules.slots):
            self._start(one)

    def _start(self, one: Wanted) -> None:
        step = self._tracked[one.item_id].steps[one.stage]
        assert step.position is not None  # noqa: S101 - only positioned steps have missing parts
        step.at_work[one.part.name] = 0.0
        step.trouble = None
        self._running[one.key] = one
        _log.info("part.started", item=step.step.item.slug, stage=one.stage, part=one.part.name)
        receipts = dict(step.position.receipts)

        def job() -> None:
            done = perform(
                step.step,
                one.part,
                receipts,
                self._bench,
                lambda share: self._tell(partial(self._moved, one, step, share)),
                lambda name: self._tell(partial(self._delivered, one, step, name)),
            )
            self._tell(partial(self._ended, one, step, done))

        self._executor.submit(one.part.resource, job)

    def _show(self, tracked: Tracked) -> None:
        now = self._clock()
        if tracked.survey is None or not tracked.dirty or tracked.publishing:
            return
        if now < tracked.published_at + _SHOW_SECONDS and not tracked.survey.complete:
            return
        tracked.dirty, tracked.publishing, tracked.published_at = False, True, now
        growing = tracked.growing(self._bench)
        self._ask(
            partial(self._librarian.publish, tracked.survey, growing, tracked.progress()),
            partial(self._published, tracked),
            tracked.item.id,
            None,
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
        self._note_parked(tracked)

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

    def _moved(self, one: Wanted, step: OpenStep, share: float) -> None:
        if one.part.name in step.at_work:
            step.at_work[one.part.name] = min(max(share, 0.0), 1.0)
            self._tracked[one.item_id].dirty = True

    def _delivered(self, one: Wanted, step: OpenStep, name: str) -> None:
        step.delivered(name)
        self._tracked[one.item_id].dirty = True

    def _ended(self, one: Wanted, step: OpenStep, done: Done) -> None:
        del self._running[one.key]
        step.at_work.pop(one.part.name, None)
        step.seconds += done.seconds
        tracked = self._tracked[one.item_id]
        tracked.dirty = True
        if done.receipt is not None and step.position is not None:
            receipts = {**step.position.receipts, one.part.name: done.receipt}
            step.position = replace(step.position, receipts=receipts)
            step.stale = True
            _log.info(
                "part.done",
                item=tracked.item.slug,
                stage=one.stage,
                part=one.part.name,
                seconds=round(done.seconds, 1),
            )
        elif done.error is not None and not isinstance(done.error, Stopping):
            self._failed(tracked, step, one.part.name, done.error)

    def _failed(self, tracked: Tracked, step: OpenStep, part: str, error: BaseException) -> None:
        """Remember a failure; hold the step back, or park it."""
        kind = kind_of(error)
        sentence = str(error) or type(error).__name__
        if kind == "Bug":
            sentence = (
                f"vlogd met an error it did not foresee ({type(error).__name__}: {error}); please report it."
            )
            _log.error("bug", item=tracked.item.slug, part=part, exc_info=error)
        stage, fingerprint = step.step.stage.name, step.step.fingerprint
        stderr = "\n".join(getattr(error, "stderr_tail", ()))
        attempt = Attempt(tracked.item.id, stage, fingerprint, part, kind, sentence, stderr, self._clock())
        if not isinstance(error, Unavailable):
            self._journal.add_attempt(attempt)
            tracked.failures.append(attempt)
        kinds = [kind] if isinstance(error, Unavailable) else step.kinds(tracked.failures, part)
        step.trouble = sentence
        step.parked = self._rules.retry.parks(kinds)
        step.stale = not step.parked
        step.not_before = 0.0 if step.parked else self._clock() + self._rules.retry.wait_seconds(kinds)
        _log.warning("step.parked" if step.parked else "part.failed", item=tracked.item.slug, stage=stage, part=part,
                     kind=kind, why=sentence)  # fmt: skip
        tracked.dirty = True
        self._note_parked(tracked)

    def _note_parked(self, tracked: Tracked) -> None:
        if any(step.parked and step.step.stage.essential for step in tracked.steps.values()):
            self.parked_items.add(tracked.item.id)
        else:
            self.parked_items.discard(tracked.item.id)

    def _published(self, tracked: Tracked, told: Report) -> None:
        before, tracked.publishing = tracked.report, False
        tracked.report = replace(told, eta_seconds=tracked.eta.seconds(told.progress, self._clock()))
        if told.playable and not (before and before.playable):
            _log.info("item.playable", item=told.slug)
        if told.status == "ready" and not (before and before.status == "ready"):
            _log.info("item.ready", item=told.slug, title=told.title)

    def _ask(
        self, question: Callable[[], Any], answer: Callable[[Any], None], item_id: str, step: OpenStep | None
    ) -> None:
        """Have the library's thread answer; trouble there holds back this item or step only."""

        def job() -> None:
            try:
                found = question()
            except Exception as error:  # noqa: BLE001 - whatever it is, the decider must hear of it
                trouble = as_trouble(error, self._bench.stop)
                self._tell(partial(self._unanswered, item_id, step, job, trouble))
            else:
                self._tell(partial(answer, found))

        self._executor.submit(LIBRARY, job)

    def _unanswered(
        self, item_id: str, step: OpenStep | None, job: Callable[[], None], error: BaseException
    ) -> None:
        """The library's thread could not answer: ask again later, or park what it was about."""
        if isinstance(error, Stopping):
            return
        if step is not None:
            step.looking = False
            self._failed(self._tracked[item_id], step, "-", error)
        elif isinstance(error, Unavailable):
            _log.warning("library.waits", item=item_id, why=str(error))
            self._later.append((self._clock() + self._rules.retry.unavailable_wait_seconds, job))
        else:
            _log.error("bug", item=item_id, exc_info=error)
            self.parked_items.add(item_id)
            self._tracked.pop(item_id, None)
