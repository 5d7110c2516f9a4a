"""The status in one line, and when it is said."""

import time
from types import SimpleNamespace
from typing import cast

import pytest

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.events import Event
from vlogd.core.publication import Report
from vlogd.daemon.library_check import LibraryCheck
from vlogd.daemon.pulse import Pulse, summary
from vlogd.daemon.wiring import Parts


def report(slug: str, status: str, progress: float) -> Report:
    """What is known of one video."""
    return Report(slug, slug, slug, status, progress, False, None, None, (), {}, 1e9, None)  # type: ignore[arg-type]


READY, WORKING, QUEUED = report("a", "ready", 100), report("b", "processing", 41.6), report("c", "queued", 0)


@pytest.mark.parametrize(
    ("reports", "failed", "troubles", "line"),
    [
        ([], 0, [], "idle"),
        ([READY], 0, [], "idle"),
        ([READY, WORKING, QUEUED], 0, [], "2 in work, b 42 %"),
        ([WORKING], 3, [], "1 in work, b 42 %, 3 failed"),
        ([], 1, ["The disk is full.", "Another."], "idle, 1 failed, The disk is full."),
    ],
)
def test_summary(reports: list[Report], failed: int, troubles: list[str], line: str) -> None:
    """What is in work with its first video, what failed, the first trouble."""
    assert summary(reports, failed, troubles) == line


def test_a_heartbeat_that_came_too_early_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens right after a heartbeat is not left unsaid until the next thing happens (a fake clock)."""
    now = 100.0
    beats: list[Event] = []
    parts = SimpleNamespace(
        request_folder=SimpleNamespace(unseen=list),
        state=SimpleNamespace(journal=SimpleNamespace(retry_writes=lambda: None)),
        events=SimpleNamespace(emit=beats.append),
    )
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(Pulse, "_status", lambda _pulse: DaemonStatus(1))
    pulse = Pulse(cast("Parts", parts), cast("LibraryCheck", SimpleNamespace(check_if_due=lambda: None)))
    pulse.beat_if_due()
    assert (len(beats), pulse.pending_seconds()) == (1, None)
    now += 0.1
    pulse.beat_if_due()
    assert len(beats) == 1
    assert pulse.pending_seconds() == pytest.approx(0.15)
    now += 0.15
    pulse.beat_if_due()
    assert (len(beats), pulse.pending_seconds()) == (2, None)
