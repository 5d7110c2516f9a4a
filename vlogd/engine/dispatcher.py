"""Starts parts on free slots and takes their messages. Part of the controller's thread."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vlogd.core import typed_json
from vlogd.core.errors import Stopping, Unavailable
from vlogd.core.events import Bug, Emit, PartDone, PartHeavy, PartStarted
from vlogd.engine.executors.contract import (
    Executor,
    FileDelivered,
    Message,
    PartFailure,
    PartProgress,
    PartRequest,
    PartResult,
    StepFolder,
)
from vlogd.engine.failures import Failures
from vlogd.engine.policy import Policy
from vlogd.engine.scheduler import Candidate, Scheduler, StepKey
from vlogd.engine.state import ItemState
from vlogd.engine.step_state import StepState
from vlogd.engine.transitions import StepEffect

CarryOut = Callable[[ItemState, StepState, StepEffect], None]
"""Applies the effect to a step."""


@dataclass(frozen=True)
class _Run:
    """A running part.

    A step whose recipe changed meanwhile may start a part while its predecessor's part of the same name is still running;
    the predecessor's result is ignored. So each run refers to its own step.
    """

    candidate: Candidate
    state: ItemState
    step: StepState


class Dispatcher:
    """Knows which parts wait and which run; `carry_out` applies the effects of their results."""

    def __init__(
        self,
        policy: Policy,
        executor: Executor,
        failures: Failures,
        post: Callable[[Callable[[], None]], None],
        emit: Emit,
        carry_out: CarryOut,
    ) -> None:
        self._stage_index = {stage.name: index for index, stage in enumerate(policy.stages)}
        self._scheduler = Scheduler(policy.slots, policy.memory_bytes)
        self._memory_bytes = policy.memory_bytes
        self._executor = executor
        self._failures = failures
        self._post = post
        self._emit = emit
        self._carry_out = carry_out
        self._numbers = itertools.count(1)
        self._offered: dict[StepKey, tuple[ItemState, StepState]] = {}
        self._runs: dict[str, _Run] = {}

    def offer(self, state: ItemState, step: StepState) -> None:
        """Let the missing parts of a step be started as slots allow."""
        name = step.step.stage.name
        key = (state.item.id, name)
        self._offered[key] = (state, step)
        self._scheduler.offer(
            key,
            (
                Candidate(state.item.id, state.item.accepted_at, name, self._stage_index[name], part)
                for part in step.missing()
            ),
        )

    def withhold(self, state: ItemState, stage: str) -> None:
        """Start no more parts of a step."""
        self._scheduler.withhold((state.item.id, stage))
        self._offered.pop((state.item.id, stage), None)

    def start(self) -> None:
        """Start the most urgent parts, as slots allow."""
        for candidate in self._scheduler.choose():
            self._start(candidate)

    def cancel(self, item_id: str) -> None:
        """Stop all running parts of an item."""
        for request_id, run in self._runs.items():
            if run.candidate.item_id == item_id:
                self._executor.cancel(request_id)

    def is_at_work(self, item_id: str) -> bool:
        """Whether any part of an item is running, even one whose step was replaced."""
        return any(run.candidate.item_id == item_id for run in self._runs.values())

    def _start(self, candidate: Candidate) -> None:
        state, step = self._offered[candidate.step]
        request = PartRequest(
            id=str(next(self._numbers)),
            item=state.item,
            stage=candidate.stage,
            part=candidate.part,
            settings=typed_json.serialise(step.step.settings),
            folder=StepFolder(step.step.folder, step.step.stage.private),
            inputs={
                need: StepFolder(artifact.folder, artifact.private)
                for need, artifact in step.step.inputs.items()
            },
            receipts=dict(step.receipts),
        )
        step.part_started(candidate.part)
        self._runs[request.id] = _Run(candidate, state, step)
        self._emit(PartStarted(state.item, candidate.stage, candidate.part.name))
        self._tell_weight(candidate, state)
        try:
            self._executor.start(request, self._send)
        except Exception as error:  # noqa: BLE001 - no thread can be had, say: nobody else reports its end
            self._emit(Bug(error, "starting a part", state.item))
            self._send(PartResult(request.id, 0.0, failure=_not_started(error)))

    def _tell_weight(self, candidate: Candidate, state: ItemState) -> None:
        part, allowed = candidate.part, self._memory_bytes
        if allowed is None or part.memory_bytes <= allowed:
            return
        why = (
            f"It may take {part.memory_bytes >> 20} MiB, more than limits.memory_mebibytes allows for all tools together"
            f" ({allowed >> 20} MiB). It runs while nothing else does."
        )
        self._emit(PartHeavy(state.item, candidate.stage, part.name, why))

    def _send(self, message: Message) -> None:
        """Take a message from any thread to the controller's."""
        self._post(partial(self._receive, message))

    def _receive(self, message: Message) -> None:
        run = self._runs.get(message.request_id)
        if run is None:
            return  # a duplicate, or received after the result
        run.state.publish.changed()
        match message:
            case PartProgress(_, share):
                self._moved(run, share)
            case FileDelivered(_, name):
                run.step.delivered(name)
            case PartResult():
                self._ended(run, message)

    def _moved(self, run: _Run, share: float) -> None:
        run.step.part_moved(run.candidate.part.name, share)

    def _ended(self, run: _Run, result: PartResult) -> None:
        del self._runs[result.request_id]
        self._scheduler.ended(run.candidate)
        run.step.worked(result.seconds)
        self._carry_out(run.state, run.step, self._effect(run, result))

    def _effect(self, run: _Run, result: PartResult) -> StepEffect:
        """What is to be done about the step of a part that ended."""
        stage, part = run.candidate.stage, run.candidate.part.name
        if result.receipt is not None:
            self._emit(PartDone(run.state.item, stage, part, result.seconds))
            return run.step.part_done(result.receipt, result.parts, result.planned_from)
        assert result.failure is not None  # noqa: S101 - the contract of an executor
        if result.failure.kind == Stopping.__name__:
            return run.step.part_stopped(part)
        return self._failures.record(run.state, run.step, part, result.failure)


def _not_started(error: Exception) -> PartFailure:
    """The machine is short of something: it is tried again after a pause."""
    return PartFailure(Unavailable.__name__, f"It could not be started ({error}); vlogd tries again.")
