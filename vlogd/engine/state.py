"""What the deciding thread keeps in memory of an item that is not finished.

All of it can be lost: it is read again from the disk and the journal.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vlogd.core.model import Artifact, Attempt, Item, Part
from vlogd.core.publication import Report
from vlogd.engine.executors.worker import Environment, work_of
from vlogd.engine.library_worker import Position
from vlogd.engine.retry import Retry
from vlogd.engine.status import Progress
from vlogd.engine.survey import Step, Survey
from vlogd.engine.views import UnfinishedStep


@dataclass
class StepState:
    """A step that is being worked on. `at_work` maps running parts to their share done, 0 to 1.

    `looking`: the library worker is finding out where it stands. `not_before` (epoch seconds) holds it
    back after a failure; `trouble` says why.
    """

    step: Step
    position: Position | None = None
    at_work: dict[str, float] = field(default_factory=dict)
    looking: bool = False
    stale: bool = True
    parked: bool = False
    trouble: str | None = None
    not_before: float = 0.0
    seconds: float = 0.0

    def missing(self) -> list[Part]:
        """The parts to be done that are not being done."""
        if self.position is None:
            return []
        done = self.position.receipts
        return [
            part for part in self.position.parts if part.name not in done and part.name not in self.at_work
        ]

    def learn(self, position: Position) -> None:
        """Take what the library worker found; parts may have ended while it was looking."""
        if self.position is not None:
            position = replace(
                position,
                receipts={**position.receipts, **self.position.receipts},
                have=position.have | self.position.have,
            )
        self.position = position

    def progress(self) -> Progress:
        """How far it is, for reports."""
        if self.position is None:
            return Progress(trouble=self.trouble, parked=self.parked)
        return Progress(
            self.position.parts,
            frozenset(self.position.receipts),
            dict(self.at_work),
            self.trouble,
            self.parked,
        )

    def delivered(self, name: str) -> None:
        """A file has become whole."""
        if self.position is not None:
            self.position = replace(self.position, have=self.position.have | {name})

    def growing(self, environment: Environment) -> UnfinishedStep | None:
        """The step as the front shows it, once it is known where it stands."""
        if self.position is None:
            return None
        work = work_of(self.step, environment, self.position.receipts)
        return UnfinishedStep(self.step.stage, work, self.position.have)

    def kinds(self, failures: Sequence[Attempt], part: str | None = None) -> list[str]:
        """The kinds of this step's failures that count (of one part), oldest first."""
        return [
            attempt.kind
            for attempt in failures
            if (attempt.stage, attempt.fingerprint) == (self.step.stage.name, self.step.fingerprint)
            and part in (None, attempt.part)
        ]

    def recall(self, failures: Sequence[Attempt], retry: Retry) -> None:
        """Park the step if what the journal remembers of it says so."""
        for part in {attempt.part for attempt in failures}:
            kinds = self.kinds(failures, part)
            if kinds and retry.parks(kinds):
                self.parked = True
                mine = [a for a in failures if a.part == part and a.fingerprint == self.step.fingerprint]
                self.trouble = mine[-1].sentence


@dataclass
class Eta:
    """Remaining time by the pace since vlogd first saw the item move."""

    began_at: float | None = None
    began_percent: float = 0.0

    def seconds(self, percent: float, now: float) -> float | None:
        """Seconds left, or None while the pace is unknown."""
        if percent <= 0:
            return None
        if self.began_at is None:
            self.began_at, self.began_percent = now, percent
        gained = percent - self.began_percent
        elapsed = now - self.began_at
        return elapsed * (100.0 - percent) / gained if gained > 0.5 else None  # noqa: PLR2004 - half a percent


@dataclass(frozen=True)
class RemovalRequest:
    """On the way to the trash, to be kept there until then (epoch seconds). `gone` is called in the end."""

    keep_until: float
    gone: Callable[[], None]

    def joined(self, other: "RemovalRequest") -> "RemovalRequest":
        """Both wishes in one: the shorter time, and both are told."""

        def gone() -> None:
            self.gone()
            other.gone()

        return RemovalRequest(min(self.keep_until, other.keep_until), gone)


@dataclass
class ItemState:
    """An item that has something to do or to show.

    `new`: it was just dropped, so that its questions go first until it can be watched. `again`: it rested before, and
    nothing may have changed.
    `dirty`: viewers do not see the latest yet; it is not shown before `show_after` (epoch seconds).
    `unseen`: why the last attempt to show it failed. `final`: its original was deleted on purpose.
    `cancelled`: nothing more is to be made of it. `removal`: it is on its way to the trash.
    `dropped`: it was dropped again meanwhile, and is begun anew when nothing of it runs. `stop` ends its running parts.
    """

    item: Item
    new: bool = False
    again: bool = False
    artifacts: list[Artifact] = field(default_factory=list)
    survey: Survey | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    failures: list[Attempt] = field(default_factory=list)
    dirty: bool = True
    publishing: bool = False
    show_after: float = 0.0
    unseen: str | None = None
    report: Report | None = None
    final: bool = False
    cancelled: bool = False
    removal: RemovalRequest | None = None
    dropped: Item | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    eta: Eta = field(default_factory=Eta)

    def open(self, wanted: Sequence[Step], retry: Retry) -> list[StepState]:
        """Make the steps of a new survey the open ones; those that were open already go on. The new ones."""
        before, self.steps, new = self.steps, {}, []
        for step in wanted:
            name = step.stage.name
            if name in before and before[name].step.fingerprint == step.fingerprint:
                self.steps[name] = before[name]
                continue
            opened = self.steps[name] = StepState(step)
            opened.recall(self.failures, retry)
            opened.stale = not opened.parked
            new.append(opened)
        return new

    def progress(self) -> Mapping[str, Progress]:
        """How far the open steps are, by stage."""
        return {name: step.progress() for name, step in self.steps.items()}

    def growing(self, environment: Environment) -> dict[str, UnfinishedStep]:
        """What the open steps show, by stage."""
        found = {name: step.growing(environment) for name, step in self.steps.items()}
        return {name: growing for name, growing in found.items() if growing is not None}

    def looking(self) -> bool:
        """Whether the library worker is finding out where a step stands, and may commit it."""
        return any(step.looking for step in self.steps.values())

    def at_rest(self) -> bool:
        """Whether nothing of it runs, so that it can be taken away."""
        at_work = any(step.at_work or step.looking for step in self.steps.values())
        return not self.publishing and not at_work

    def busy(self) -> bool:
        """Whether anything is running for it or about to be shown."""
        at_work = any(
            step.at_work or step.looking or (step.stale and not step.trouble) for step in self.steps.values()
        )
        return self.survey is None or self.dirty or self.publishing or at_work

    def is_resting(self) -> bool:
        """Whether nothing happens to it now: what is not made is parked, or waits for something or its next attempt."""
        shown = not self.dirty or self.unseen is not None
        waits = all(step.parked or step.trouble for step in self.steps.values())
        return self.survey is not None and shown and self.at_rest() and waits
