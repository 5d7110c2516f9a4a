"""What happens to a step after a failure: a pause and another attempt, or parking until `vlogd retry`.

Part of the controller's thread.
"""

import time
from collections.abc import Callable

from vlogd.core.errors import Cancelled, Unavailable
from vlogd.core.events import Bug, Emit, ItemFailed, PartFailed, StepParked
from vlogd.core.model import Attempt
from vlogd.engine.executors.contract import PartFailure
from vlogd.engine.policy import Policy
from vlogd.engine.retry import BUG
from vlogd.engine.state import ItemState
from vlogd.engine.step_state import StepState
from vlogd.engine.transitions import StepEffect
from vlogd.storage.journal import Journal


class ForeignError(Exception):
    """An unexpected error where a part ran; its text is the traceback from there."""


class Failures:
    """`failed_items` are the ids of items that failed, as far as they were surveyed."""

    def __init__(self, policy: Policy, journal: Journal, emit: Emit, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._journal = journal
        self._emit = emit
        self._clock = clock
        self.failed_items: set[str] = set()

    def record(self, state: ItemState, step: StepState, part: str, failure: PartFailure) -> StepEffect:
        """Remember a failure of a part (of the library: "-"); hold the step back, or park it."""
        is_attempt = failure.kind != Unavailable.__name__
        if is_attempt:
            attempt = self._attempt(state, step, part, failure)
            self._journal.attempts.add(attempt)
            state.attempt_failed(attempt)
        if failure.kind == BUG:
            self._emit(
                Bug(
                    ForeignError(f"\n{failure.traceback}"), f"{step.step.stage.name}, part {part}", state.item
                )
            )
        kinds = step.kinds(state.failures, part) if is_attempt else [failure.kind]
        parks = self._policy.retry.parks(kinds)
        event = StepParked if parks else PartFailed
        self._emit(event(state.item, step.step.stage.name, part, failure.kind, failure.sentence))
        if parks:
            effect = step.given_up(part, failure.sentence)
        else:
            until = self._clock() + self._policy.retry.wait_seconds(kinds)
            effect = step.failed(part, failure.sentence, until)
        state.publish.changed()
        if self.note(state) and failure.kind != Cancelled.__name__:
            self._emit(ItemFailed(state.item, failure.sentence))
        return effect

    def note(self, state: ItemState) -> bool:
        """Keep count of the items that failed; whether this one has just become one of them."""
        before = state.item.id in self.failed_items
        has_failed = any(step.is_parked and step.step.stage.essential for step in state.steps.values())
        (self.failed_items.add if has_failed else self.failed_items.discard)(state.item.id)
        return has_failed and not before

    def _attempt(self, state: ItemState, step: StepState, part: str, failure: PartFailure) -> Attempt:
        return Attempt(
            item_id=state.item.id,
            stage=step.step.stage.name,
            fingerprint=step.step.fingerprint,
            part=part,
            kind=failure.kind,
            sentence=failure.sentence,
            stderr=failure.stderr,
            at=time.time(),
        )
