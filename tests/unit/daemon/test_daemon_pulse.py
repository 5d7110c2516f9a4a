"""The status in one line."""

import pytest

from vlogd.core.publication import Report
from vlogd.daemon.pulse import summary


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
