"""Advances the steps of the items in memory: survey, reads of the library, the effects of each part's result.

Part of the controller's thread. Only `carry_out` applies the effects of `transitions.STEPS`.
"""

from functools import partial

from vlogd.core.errors import Cancelled
from vlogd.core.events import Emit, ItemDamaged, StepDone, StepWanted
from vlogd.core.model import Artifact
from vlogd.engine.dispatcher import Dispatcher
from vlogd.engine.executors.worker import failure_of
from vlogd.engine.failures import Failures
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemOnDisk, LibraryWorker, Position
from vlogd.engine.policy import Policy
from vlogd.engine.state import ItemState
from vlogd.engine.status import loss
from vlogd.engine.step_state import StepState
from vlogd.engine.survey import survey
from vlogd.engine.transitions import ItemEffect, StepEffect
from vlogd.storage.journal import Journal


class Steps:
    """Keeps no items of its own."""

    def __init__(
        self,
        policy: Policy,
        journal: Journal,
        worker: LibraryWorker,
        queue: LibraryQueue,
        failures: Failures,
        dispatcher: Dispatcher,
        emit: Emit,
    ) -> None:
        self._policy = policy
        self._journal = journal
        self._worker = worker
        self._queue = queue
        self._failures = failures
        self._dispatcher = dispatcher
        self._emit = emit

    def read(self, state: ItemState, on_disk: ItemOnDisk) -> None:
        """An item was read from the disks."""
        if not state.is_here:
            return
        state.read(on_disk.artifacts, on_disk.original, on_disk.begun)
        self._survey(state)
        why = loss(state.survey, self._policy.stages) if state.survey is not None else ""
        if why:
            self._emit(ItemDamaged(state.item, why))

    def pause_ends(self, state: ItemState, now: float) -> None:
        """Continue the steps whose pause after a failure is over."""
        for step in state.steps.values():
            self.carry_out(state, step, step.pause_ends(now))

    def park(self, state: ItemState) -> None:
        """Park the open steps of a cancelled item."""
        failure = failure_of(Cancelled("It was cancelled; `vlogd retry` takes it up again."))
        for step in state.steps.values():
            if not step.is_parked:
                self.carry_out(state, step, self._failures.record(state, step, "-", failure))

    def reopen(self, state: ItemState) -> None:
        """Read each open step again."""
        for step in state.steps.values():
            self.carry_out(state, step, step.retried())

    def carry_out(self, state: ItemState, step: StepState, effect: StepEffect) -> None:
        """Apply the effect to a step; nothing when its item was released, or another step replaced it."""
        name = step.step.stage.name
        if not state.is_here or state.steps.get(name) is not step:
            return
        if effect is StepEffect.OFFER and state.is_staying:
            self._dispatcher.offer(state, step)
        elif effect is StepEffect.WITHHOLD:
            self._dispatcher.withhold(state, name)
        elif effect is StepEffect.VISIT:
            self._dispatcher.withhold(state, name)
            self._visit(state, step)

    def _survey(self, state: ItemState) -> None:
        settings = self._policy.settings(state.item.inbox)
        result = survey(
            state.item, self._policy.stages, settings, state.artifacts, state.original, state.begun
        )
        effect = state.surveyed(result)
        if effect is not ItemEffect.NOTHING:
            opened = self._open(state)
            if effect is ItemEffect.PARK:
                self.park(state)
            for step in opened:
                self._visit(state, step)
        self._failures.note(state)

    def _open(self, state: ItemState) -> list[StepState]:
        """Begin the steps that the survey wants, and end those that it no longer wants; the new ones."""
        assert state.survey is not None  # noqa: S101 - called after a survey
        before = set(state.steps)
        opened = state.open(state.survey.steps, self._policy.retry)
        for new in opened:
            self._emit(StepWanted(state.item, new.step.stage.name, new.step.reason))
        for name in {*before - state.steps.keys(), *(new.step.stage.name for new in opened)}:
            self._dispatcher.withhold(state, name)
        return opened

    def _visit(self, state: ItemState, step: StepState) -> None:
        """Have the library's thread read a step, unless it is doing so already."""
        if not step.wants_visit:
            return
        known = step.visit()
        self._queue.submit(
            partial(self._worker.position, step.step, known),
            partial(self._visited, state, step),
            partial(self._visit_failed, state, step),
            waits_for_disk=False,
            urgent=state.publish.is_new,
        )

    def _visited(self, state: ItemState, step: StepState, position: Position) -> None:
        effect = step.visited(position)
        if not state.is_here:
            return
        state.publish.changed()
        if effect is StepEffect.ADOPT and position.artifact is not None:
            self._adopt(state, step, position.artifact)
        else:
            self.carry_out(state, step, effect)

    def _adopt(self, state: ItemState, step: StepState, artifact: Artifact) -> None:
        self._journal.artifacts.add(artifact, round(step.seconds, 3) if step.seconds else None)
        self._emit(StepDone(state.item, artifact.stage, step.seconds))
        state.adopted(artifact)
        self._survey(state)

    def _visit_failed(self, state: ItemState, step: StepState, error: Exception) -> None:
        step.visit_failed()
        if state.is_here:
            self.carry_out(state, step, self._failures.record(state, step, "-", failure_of(error)))
