"""One step that is being worked on: how far it is, and what happens to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vlogd.core.model import Attempt, Part, Receipt
from vlogd.engine.executors.worker import work_of
from vlogd.engine.library_worker import Position
from vlogd.engine.retry import Retry
from vlogd.engine.status import Progress
from vlogd.engine.survey import Step
from vlogd.engine.transitions import STEPS, StepEffect, StepEvent, StepPhase
from vlogd.engine.views import UnfinishedStep
from vlogd.storage.library import Library


@dataclass(frozen=True)
class _Plan:
    """The parts of a step as they follow from the receipts of those parts that are named in `known`."""

    parts: tuple[Part, ...] = ()
    known: frozenset[str] = frozenset()


@dataclass
class StepState:
    """A step that is being worked on.

    `running` maps parts that run to their share done, 0 to 1. `receipts` are those of the finished parts, `have` the names of
    the whole files in the step's folder. `trouble` says why it is waiting; after a failure it continues at `not_before`
    (monotonic seconds). `seconds` is the total time of its parts.
    """

    step: Step
    phase: StepPhase = StepPhase.UNREAD
    running: dict[str, float] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    have: set[str] = field(default_factory=set)
    trouble: str | None = None
    not_before: float = 0.0
    seconds: float = 0.0
    is_visited: bool = False
    """Whether the library's thread is reading it now, and may commit it as an artifact."""
    _is_read: bool = False
    _visit_is_outdated: bool = False
    _plan: _Plan = _Plan()
    _ahead: _Plan | None = None
    """A plan that knows of a part whose result has not arrived here."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts that are known so far."""
        return self._plan.parts

    @property
    def is_parked(self) -> bool:
        """Whether only a user can restart it."""
        return self.phase is StepPhase.PARKED

    @property
    def is_resting(self) -> bool:
        """Whether it waits for something outside, or is parked."""
        return self.is_parked or self.trouble is not None

    @property
    def wants_visit(self) -> bool:
        """Whether the library's thread should read it: also a parked one, whose files stay published."""
        is_unread = self.phase is StepPhase.UNREAD or (self.is_parked and not self._is_read)
        return is_unread and not self.is_visited

    def missing(self) -> list[Part]:
        """The unfinished parts that are not running."""
        return [
            part for part in self.parts if part.name not in self.receipts and part.name not in self.running
        ]

    def progress(self) -> Progress:
        """How far it is, for reports."""
        return Progress(
            self.parts, frozenset(self.receipts), dict(self.running), self.trouble, parked=self.is_parked
        )

    def unfinished(self, library: Library) -> UnfinishedStep | None:
        """The step as viewers see it, once its state on the disk is known."""
        if not self._is_read:
            return None
        work = work_of(self.step, library, dict(self.receipts))
        return UnfinishedStep(self.step.stage, work, frozenset(self.have))

    # Visits of the library's thread

    def visit(self) -> Mapping[str, Receipt] | None:
        """The library's thread begins to read it; returns the receipts that need not be read again."""
        self.is_visited, self._visit_is_outdated = True, False
        return dict(self.receipts) if self._is_read else None

    def visited(self, position: Position) -> StepEffect:
        """The library's thread has read its state."""
        self.is_visited = False
        if position.artifact is not None:
            return self._on(StepEvent.COMMITTED)
        if self._visit_is_outdated:
            return self._on(StepEvent.NEEDS_LIBRARY)
        self._is_read = True
        self.receipts = {**position.receipts, **self.receipts}
        self.have |= position.have
        self._consider(_Plan(position.parts, frozenset(position.receipts)))
        return self._unless_library_is_needed(self._on(StepEvent.READ))

    def visit_failed(self) -> None:
        """The library's thread could not read it; the failure is reported separately."""
        self.is_visited = False

    # Messages about its parts

    def part_started(self, part: Part) -> None:
        """A part has started."""
        self.running[part.name] = 0.0
        self.trouble = None

    def part_moved(self, part: str, share: float) -> None:
        """A running part reported its share done, 0 to 1."""
        if part in self.running:
            self.running[part] = min(max(share, 0.0), 1.0)

    def delivered(self, name: str) -> None:
        """A file is complete."""
        self.have.add(name)

    def worked(self, seconds: float) -> None:
        """A part ended, successfully or not, after `seconds`."""
        self.seconds += seconds

    def part_done(self, receipt: Receipt, parts: Sequence[Part], known: Iterable[str]) -> StepEffect:
        """A part succeeded; `parts` follow from the receipts of the `known` ones."""
        self.running.pop(receipt.part, None)
        self.receipts[receipt.part] = receipt
        self.have.update(receipt.files)
        before = self.parts
        self._consider(_Plan(tuple(parts), frozenset(known)))
        effect = StepEffect.NOTHING if self.parts == before else self._on(StepEvent.PLANNED)
        return self._unless_library_is_needed(effect)

    def part_stopped(self, part: str) -> StepEffect:
        """A part was stopped."""
        self.running.pop(part, None)
        return self._on(StepEvent.PART_STOPPED)

    def failed(self, part: str, trouble: str, not_before: float) -> StepEffect:
        """A part (or the library: "-") failed and is retried at `not_before` (monotonic seconds)."""
        self.running.pop(part, None)
        if not self.is_parked:
            self.trouble, self.not_before = trouble, not_before
        return self._on(StepEvent.FAILED)

    def given_up(self, part: str, trouble: str) -> StepEffect:
        """A part (or the library: "-") failed permanently, or the item was cancelled."""
        self.running.pop(part, None)
        if not self.is_parked:
            self.trouble, self.not_before = trouble, 0.0
        return self._on(StepEvent.GIVEN_UP)

    # Time and requests

    def pause_ends(self, now: float) -> StepEffect:
        """Continue after a failure if its pause is over."""
        is_due = self.phase is StepPhase.PAUSED and self.not_before <= now
        return self._on(StepEvent.DUE) if is_due else StepEffect.NOTHING

    def retried(self) -> StepEffect:
        """Forget its failures. Files may have been lost from the disk since, so it is read again."""
        self.trouble, self.not_before = None, 0.0
        self.receipts, self.have, self._plan, self._ahead = {}, set(), _Plan(), None
        self._is_read, self._visit_is_outdated = False, True
        return self._on(StepEvent.RETRIED)

    def recall(self, failures: Sequence[Attempt], retry: Retry) -> None:
        """Park the step if its failures in the journal require it."""
        for part in {attempt.part for attempt in failures}:
            kinds = self.kinds(failures, part)
            if kinds and retry.parks(kinds):
                mine = [a for a in failures if a.part == part and self.has_failed(a)]
                self.given_up(part, mine[-1].sentence)

    def watched(self, running: Mapping[str, float], trouble: str | None) -> None:
        """Add what only the running daemon knows: running parts with their shares, and why the step is waiting."""
        self.running, self.trouble = dict(running), trouble

    def has_failed(self, attempt: Attempt) -> bool:
        """Whether the failed attempt was at this step with its current recipe."""
        return (attempt.stage, attempt.fingerprint) == (self.step.stage.name, self.step.fingerprint)

    def kinds(self, failures: Sequence[Attempt], part: str | None = None) -> list[str]:
        """The kinds of this step's failures that count (of one part), oldest first."""
        return [
            attempt.kind for attempt in failures if self.has_failed(attempt) and part in (None, attempt.part)
        ]

    def _on(self, event: StepEvent) -> StepEffect:
        self.phase, effect = STEPS[self.phase][event]
        return effect

    def _consider(self, plan: _Plan) -> None:
        """Take the plan that knows most of the receipts that are known here, the latest of equals.

        The results of two parts that end together arrive in any order: a plan that knows of both waits for the other result.
        """
        plans = [plan, self._plan, *([self._ahead] if self._ahead else [])]
        fitting = [each for each in plans if each.known <= self.receipts.keys()]
        ahead = [each for each in plans if not each.known <= self.receipts.keys()]
        self._plan = max(fitting, key=lambda each: len(each.known), default=_Plan())
        self._ahead = max(ahead, key=lambda each: len(each.known), default=None)

    def _unless_library_is_needed(self, effect: StepEffect) -> StepEffect:
        """`effect`, or a visit: to become an artifact, or to have its parts planned from all receipts."""
        if self.phase is not StepPhase.WORKING:
            return effect
        is_done = not self.running and not self.missing()
        is_outdated = self._plan.known != self.receipts.keys() and (self._ahead is None or not self.running)
        return self._on(StepEvent.NEEDS_LIBRARY) if is_done or is_outdated else effect
