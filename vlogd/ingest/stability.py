"""When is a dropped file complete? Pure: observations and the time come in, paths come out.

A file is stable when its size, modification time and inode have stayed the same for `settle_seconds`, or for one
second when its container proves that it is complete (not at once: some copiers reserve the whole length first
and fill it afterwards). Any change starts the wait over, so a writer that pauses between blocks is waited for as
long as its pauses are shorter than that.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from vlogd.ingest.file_state import FileState

_PROVEN_SECONDS = 1.0
"""Longer than the pauses of a copier that fills a reserved file from the end, short enough not to be noticed."""


@dataclass(frozen=True)
class _Observation:
    state: FileState
    since_seconds: float
    is_proven: bool


class StabilityTracker:
    """The files of one inbox that are not stable yet. Times are seconds of any monotonic clock."""

    def __init__(self, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._observed: dict[Path, _Observation] = {}

    def __len__(self) -> int:
        return len(self._observed)

    def __contains__(self, path: Path) -> bool:
        return path in self._observed

    @property
    def paths(self) -> list[Path]:
        """The files that are being tracked."""
        return list(self._observed)

    def observe(self, path: Path, state: FileState, now_seconds: float) -> bool:
        """Record a file's state. Returns whether it is new or has changed, so that it is worth looking for a proof."""
        known = self._observed.get(path)
        if known is not None and known.state == state:
            return False
        self._observed[path] = _Observation(state, now_seconds, is_proven=False)
        return True

    def prove(self, path: Path) -> None:
        """Note that the file's container proves it complete as it was last observed."""
        self._observed[path] = replace(self._observed[path], is_proven=True)

    def forget(self, path: Path) -> None:
        """Stop tracking a file that is gone or taken; harmless when it is not tracked."""
        self._observed.pop(path, None)

    def stable(self, now_seconds: float) -> list[Path]:
        """The files that are stable, the one that has been so for longest first."""
        due = [
            (seen.since_seconds, path)
            for path, seen in self._observed.items()
            if self._due_seconds(seen) <= now_seconds
        ]
        return [path for _, path in sorted(due)]

    def state(self, path: Path) -> FileState:
        """How a tracked file was last observed."""
        return self._observed[path].state

    def next_due_seconds(self) -> float | None:
        """When the next file may be stable; None when nothing is tracked."""
        return min((self._due_seconds(seen) for seen in self._observed.values()), default=None)

    def _due_seconds(self, seen: _Observation) -> float:
        wait = min(self._settle_seconds, _PROVEN_SECONDS) if seen.is_proven else self._settle_seconds
        return seen.since_seconds + wait
