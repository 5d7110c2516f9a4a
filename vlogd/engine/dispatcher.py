"""Starts parts on free slots and takes their results. Part of the deciding thread.

Knows running parts and failures; what an item needs next is the controller's business.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from vlogd.core.cancellation import Either
from vlogd.core.errors import Stopping, Unavailable
from vlogd.core.log import get_logger
from vlogd.core.model import Attempt
from vlogd.engine.executors.contract import Executor
from vlogd.engine.executors.worker import Done, Environment, perform
from vlogd.engine.policy import Policy
from vlogd.engine.retry import kind_of
from vlogd.engine.scheduler import Candidate, choose
from vlogd.engine.state import ItemState, StepState
from vlogd.storage.journal import Journal

_log = get_logger()


class Dispatcher:
    """`parked_items` are the ids of items that failed.

    `_running` is by the number of the run: a step whose recipe changed meanwhile may begin a part while its
    predecessor's part of the same name still runs, whose end changes nothing any more.
    """

    def __init__(
        self,
        policy: Policy,
        environment: Environment,
        journal: Journal,
        executor: Executor,
        tell: Callable[[Callable[[], None]], None],
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._environment = environment
        self._journal = journal
        self._executor = executor
        self._tell = tell
        self._clock = clock
        self._runs = itertools.count()
        self._running: dict[int, Candidate] = {}
        self.parked_items: set[str] = set()

    def start(self, items: Iterable[ItemState]) -> None:
        """Start the parts that are most wanted, as slots allow."""
        states_by_id = {state.item.id: state for state in items}
        index = {stage.name: number for number, stage in enumerate(self._policy.stages)}
        now = self._clock()
        wanted = [
            Candidate(state.item.id, state.item.accepted_at, name, index[name], part)
            for state in states_by_id.values()
            for name, step in state.steps.items()
            if not step.parked and not step.looking and not step.stale and step.not_before <= now
            for part in step.missing()
        ]
        for one in choose(wanted, self._running.values(), self._policy.slots):
            self._start(one, states_by_id[one.item_id])

    def is_at_work(self, item_id: str) -> bool:
        """Whether any part of an item runs, also one that nothing wants any more."""
        return any(one.item_id == item_id for one in self._running.values())

    def _start(self, one: Candidate, state: ItemState) -> None:
        step = state.steps[one.stage]
        assert step.position is not None  # noqa: S101 - only positioned steps have missing parts
        step.at_work[one.part.name] = 0.0
        step.trouble = None
        run = next(self._runs)
        self._running[run] = one
        _log.info("part.started", item=step.step.item.slug, stage=one.stage, part=one.part.name)
        receipts = dict(step.position.receipts)
        environment = replace(self._environment, stop=Either(self._environment.stop, state.stop))

        def job() -> None:
            done = perform(
                step.step,
                one.part,
                receipts,
                environment,
                lambda share: self._tell(partial(self._moved, one, state, step, share)),
                lambda name: self._tell(partial(self._delivered, state, step, name)),
            )
            self._tell(partial(self._ended, run, state, step, done))

        self._executor.submit(one.part.resource, job)

    def _moved(self, one: Candidate, state: ItemState, step: StepState, share: float) -> None:
        if one.part.name in step.at_work:
            step.at_work[one.part.name] = min(max(share, 0.0), 1.0)
            state.dirty = True

    def _delivered(self, state: ItemState, step: StepState, name: str) -> None:
        step.delivered(name)
        state.dirty = True

    def _ended(self, run: int, state: ItemState, step: StepState, done: Done) -> None:
        one = self._running.pop(run)
        step.at_work.pop(one.part.name, None)
        step.seconds += done.seconds
        state.dirty = True
        if done.receipt is not None and step.position is not None:
            receipts = {**step.position.receipts, one.part.name: done.receipt}
            step.position = replace(step.position, receipts=receipts)
            step.stale = True
            _log.info(
                "part.done",
                item=state.item.slug,
                stage=one.stage,
                part=one.part.name,
                seconds=round(done.seconds, 1),
            )
        elif done.error is not None and not isinstance(done.error, Stopping):
            self.failed(state, step, one.part.name, done.error)

    def failed(self, state: ItemState, step: StepState, part: str, error: BaseException) -> None:
        """Remember a failure; hold the step back, or park it."""
        kind = kind_of(error)
        sentence = str(error) or type(error).__name__
        if kind == "Bug":
            sentence = (
                f"vlogd met an error it did not foresee ({type(error).__name__}: {error}); please report it."
            )
            _log.error("bug", item=state.item.slug, part=part, exc_info=error)
        stage, fingerprint = step.step.stage.name, step.step.fingerprint
        stderr = "\n".join(getattr(error, "stderr_tail", ()))
        attempt = Attempt(state.item.id, stage, fingerprint, part, kind, sentence, stderr, self._clock())
        if not isinstance(error, Unavailable):
            self._journal.attempts.add(attempt)
            state.failures.append(attempt)
        kinds = [kind] if isinstance(error, Unavailable) else step.kinds(state.failures, part)
        step.trouble = sentence
        step.parked = self._policy.retry.parks(kinds)
        step.stale = not step.parked
        step.not_before = 0.0 if step.parked else self._clock() + self._policy.retry.wait_seconds(kinds)
        _log.warning("step.parked" if step.parked else "part.failed", item=state.item.slug, stage=stage, part=part,
                     kind=kind, why=sentence)  # fmt: skip
        state.dirty = True
        self.note_parked(state)

    def note_parked(self, state: ItemState) -> None:
        """Keep count of the items that failed."""
        if any(step.parked and step.step.stage.essential for step in state.steps.values()):
            self.parked_items.add(state.item.id)
        else:
            self.parked_items.discard(state.item.id)
