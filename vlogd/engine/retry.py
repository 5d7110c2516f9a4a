"""After a failure: try again, when, or park? Decided by the kind of the error.

tenacity (imported here only) provides the strategies; the deciding thread evaluates them instead of
letting a worker sleep, so that a failing item holds no slot while it waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import tenacity

from vlogd.core.errors import BadInput, Cancelled, Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable

BUG = "Bug"
"""The kind of an unexpected failure."""

_KINDS = (BadInput, Cancelled, Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable)
_TOOLS = (ToolFailed.__name__, ToolKilled.__name__, ToolStalled.__name__)


@dataclass(frozen=True)
class Retry:
    """How often and how soon. Waits grow exponentially, with jitter, up to the longest."""

    attempts: int = 3
    first_wait_seconds: float = 2.0
    longest_wait_seconds: float = 300.0
    unavailable_wait_seconds: float = 60.0

    def parks(self, kinds: Sequence[str]) -> bool:
        """Whether failures of these kinds (error class names, oldest first) park the step."""
        counted = [kind for kind in kinds if kind != Unavailable.__name__]
        if not counted:
            return False
        if counted[-1] not in _TOOLS:
            return True
        return bool(tenacity.stop_after_attempt(self.attempts)(_state(len(counted))))

    def wait_seconds(self, kinds: Sequence[str]) -> float:
        """How long to wait after the last of these failures before the next attempt."""
        if kinds[-1] == Unavailable.__name__:
            return self.unavailable_wait_seconds
        failures = sum(kind in _TOOLS for kind in kinds)
        strategy = tenacity.wait_exponential_jitter(
            initial=self.first_wait_seconds, max=self.longest_wait_seconds, jitter=self.first_wait_seconds
        )
        return float(strategy(_state(failures)))


def _state(failures: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = failures
    return state


def kind_of(error: BaseException) -> str:
    """The name under which a failure is remembered: that of its class, or BUG."""
    return next((kind.__name__ for kind in _KINDS if isinstance(error, kind)), BUG)
