"""What viewers see of an item, compared with its current state."""

from dataclasses import dataclass, field, replace

from vlogd.core.publication import Report

_PAUSE_SECONDS = 1.0
"""Viewers of an unfinished item see its state at most this old."""

_FIRST_PAUSE_SECONDS = 0.2
"""The same until it is playable: somebody may be waiting for just that."""


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


@dataclass
class PublishState:
    """Whether an item is to be published, and what was published of it last.

    `is_new`: it was just dropped, so that its jobs go first until it can be watched. `is_outdated`: viewers do not see the
    latest yet; it is not published before `not_before` (monotonic seconds). `is_open`: it is being published. `problem`: why
    the last attempt failed.
    """

    is_new: bool = False
    is_outdated: bool = True
    is_open: bool = False
    not_before: float = 0.0
    problem: str | None = None
    report: Report | None = None
    _eta: Eta = field(default_factory=Eta)

    @property
    def is_playable(self) -> bool:
        """Whether viewers can watch it."""
        return self.report is not None and self.report.playable

    def changed(self) -> None:
        """There is something new to publish."""
        self.is_outdated = True

    def is_due(self, now: float, *, complete: bool) -> bool:
        """Whether it is to be published now. A complete item need not wait for the usual pause."""
        waits = now < self.not_before and not (complete and self.problem is None)
        return self.is_outdated and not self.is_open and not waits

    def begin(self, now: float) -> None:
        """It is being published as it is now."""
        self.is_outdated, self.is_open = False, True
        self.not_before = now + (_PAUSE_SECONDS if self.is_playable else _FIRST_PAUSE_SECONDS)

    def succeed(self, report: Report, now: float) -> None:
        """Viewers see what `report` says."""
        self.is_open, self.problem = False, None
        self.report = replace(report, eta_seconds=self._eta.seconds(report.progress, now))
        self.is_new = self.is_new and not report.playable

    def fail(self, problem: str | None, not_before: float) -> None:
        """The latest state could not be published; it is retried at `not_before` (monotonic seconds)."""
        self.is_open, self.is_outdated = False, True
        self.problem, self.not_before = problem, not_before
