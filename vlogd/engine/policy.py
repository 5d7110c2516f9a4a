"""How to decide: what the deciding thread is given by the configuration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlogd.engine.retry import Retry
from vlogd.stages.contract import Stage
from vlogd.storage.retention import Retention


@dataclass(frozen=True)
class Policy:
    """How to decide: the pipeline, each inbox's settings, slots, retries, what is kept, the grace for sweeping.

    `memory_bytes` is what all running parts may take together, None for any amount.
    """

    stages: Sequence[Stage[Any]]
    settings: Callable[[str], Mapping[str, Any]]
    slots: Mapping[str, int]
    retry: Retry
    retention: Retention
    sweep_after_seconds: float = 3600.0
    memory_bytes: int | None = None
