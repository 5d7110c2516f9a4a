"""What is kept in memory of an item that is not finished, and the only way to change it.

Whoever learns of an event calls the method of that name, which looks up the transition in `transitions.py` and returns
what is to be done; nobody sets a phase. Nothing here is stored: all of it is read again from the library and
the journal, by the controller, which keeps it while it works on the item, and by `vlogd status`, `why` and `show`, which
read it once (`inspection.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from vlogd.core.model import Artifact, Attempt, Item
from vlogd.engine.publish_state import PublishState
from vlogd.engine.retry import Retry
from vlogd.engine.status import Progress
from vlogd.engine.step_state import StepState
from vlogd.engine.survey import OriginalState, Step, Survey
from vlogd.engine.transitions import ITEMS, ItemEffect, ItemEvent, ItemPhase
from vlogd.engine.views import UnfinishedStep
from vlogd.storage.library import Library
from vlogd.storage.verification import Mark


@dataclass(frozen=True)
class RemovalRequest:
    """To the trash, to be kept until `keep_until` (epoch seconds). `on_done` is called once the item is there."""

    keep_until: float
    on_done: Callable[[], None]

    def joined(self, other: "RemovalRequest") -> "RemovalRequest":
        """Both requests in one: the shorter time, and both callbacks."""

        def both_done() -> None:
            self.on_done()
            other.on_done()

        return RemovalRequest(min(self.keep_until, other.keep_until), both_done)


@dataclass
class ItemState:
    """An item with work to do or something to publish.

    `again`: it was evicted while resting, and nothing may have changed. `failures` are those that count. `artifacts`
    include those that lost files, `begun` names all of its step folders; `original` says where its original is. `mark` is
    how it looked when it was last verified, None also once it was read a second time. `removal`: the request to remove it,
    and `is_being_removed` whether that is under way. `dropped`: it was dropped again meanwhile, and starts over when nothing
    is running.
    """

    item: Item
    again: bool = False
    phase: ItemPhase = ItemPhase.ACTIVE
    artifacts: list[Artifact] = field(default_factory=list)
    survey: Survey | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    failures: list[Attempt] = field(default_factory=list)
    publish: PublishState = field(default_factory=PublishState)
    original: OriginalState = "here"
    begun: frozenset[str] = frozenset()
    mark: Mark | None = None
    removal: RemovalRequest | None = None
    is_being_removed: bool = False
    dropped: Item | None = None

    @property
    def is_here(self) -> bool:
        """Whether messages about it still count: it may have left the memory meanwhile."""
        return self.phase is not ItemPhase.GONE

    @property
    def is_active(self) -> bool:
        """Whether its steps may run."""
        return self.phase is ItemPhase.ACTIVE

    @property
    def is_staying(self) -> bool:
        """Whether no removal is requested."""
        return self.removal is None

    def read(
        self, artifacts: Sequence[Artifact], original: OriginalState, begun: frozenset[str] = frozenset()
    ) -> None:
        """Its state on the disks was read."""
        self.artifacts, self.original, self.begun = [*artifacts], original, begun

    def doubted(self) -> None:
        """What was read lacks something that was there: it is read a second time, and believed then."""
        self.mark = None

    def adopted(self, artifact: Artifact) -> None:
        """A step has become an artifact."""
        self.artifacts.append(artifact)

    def attempt_failed(self, attempt: Attempt) -> None:
        """An attempt at one of its parts failed."""
        self.failures.append(attempt)

    def surveyed(self, survey: Survey) -> ItemEffect:
        """Its needs are known."""
        self.survey = survey
        self.publish.changed()
        return self._on(ItemEvent.SURVEYED)

    def cancelled(self) -> ItemEffect:
        """A user cancelled it."""
        return self._on(ItemEvent.CANCELLED)

    def retried(self) -> ItemEffect:
        """A user requested another attempt."""
        self.failures = []
        self.publish.changed()
        return self._on(ItemEvent.RETRIED)

    def removed(self, request: RemovalRequest) -> ItemEffect:
        """A user requested its removal."""
        self.removal = request if self.removal is None else self.removal.joined(request)
        return self._on(ItemEvent.REMOVED)

    def removal_begins(self) -> RemovalRequest | None:
        """The removal to start now that nothing is running; None when there is none, or it is under way."""
        if self.removal is None or not self.at_rest():
            return None
        self.is_being_removed = True
        return self.removal

    def removal_ended(self, request: RemovalRequest) -> bool:
        """Whether it is gone as requested; else another removal was requested meanwhile, perhaps a permanent one."""
        self.is_being_removed = False
        return self.removal is request

    def dropped_again(self, item: Item) -> None:
        """It was dropped again while in memory."""
        self.dropped = item

    def let_go(self) -> None:
        """It is released from memory."""
        self._on(ItemEvent.LET_GO)

    def open(self, steps: Sequence[Step], retry: Retry) -> list[StepState]:
        """Make the steps of a new survey the open ones; those already open continue. Returns the new ones."""
        before, self.steps, new = self.steps, {}, []
        for step in steps:
            name = step.stage.name
            if name in before and before[name].step.fingerprint == step.fingerprint:
                self.steps[name] = before[name]
                continue
            opened = self.steps[name] = StepState(step)
            opened.recall(self.failures, retry)
            new.append(opened)
        return new

    def progress(self) -> Mapping[str, Progress]:
        """How far the open steps are, by stage."""
        return {name: step.progress() for name, step in self.steps.items()}

    def unfinished(self, library: Library) -> dict[str, UnfinishedStep]:
        """The open steps as viewers see them, by stage."""
        steps = {name: step.unfinished(library) for name, step in self.steps.items()}
        return {name: unfinished for name, unfinished in steps.items() if unfinished is not None}

    def is_visited(self) -> bool:
        """Whether the library's thread is looking at a step, and may make it an artifact."""
        return any(step.is_visited for step in self.steps.values())

    def at_rest(self) -> bool:
        """Whether none of its parts or jobs is running, so that it can be removed."""
        runs = any(step.running or step.is_visited for step in self.steps.values())
        return not self.publish.is_open and not self.is_being_removed and not runs

    def busy(self) -> bool:
        """Whether anything is running for it or about to be published."""
        runs = any(
            step.running or step.is_visited or (step.wants_visit and not step.trouble)
            for step in self.steps.values()
        )
        return self.survey is None or self.publish.is_outdated or self.publish.is_open or runs

    def is_resting(self) -> bool:
        """Whether it is only waiting: each open step is parked, or waits for something or its next attempt."""
        shown = not self.publish.is_outdated or self.publish.problem is not None
        waits = all(step.is_resting for step in self.steps.values())
        return self.survey is not None and shown and self.at_rest() and waits

    def _on(self, event: ItemEvent) -> ItemEffect:
        self.phase, effect = ITEMS[self.phase][event]
        return effect
