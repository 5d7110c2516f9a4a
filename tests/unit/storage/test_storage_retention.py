"""When an original is archived or deleted."""

import pytest

from vlogd.storage.retention import OriginalsPolicy, Retention


@pytest.mark.parametrize(
    ("policy", "now", "due"),
    [
        ("keep", 1e12, False),
        ("archive", 149.9, False),
        ("archive", 150.0, True),
        ("delete", 149.9, False),
        ("delete", 150.0, True),
    ],
)
def test_an_original_is_due(policy: OriginalsPolicy, now: float, due: bool) -> None:
    """So long after the video became ready, never while the policy is to keep it."""
    assert Retention(originals=policy, originals_seconds=50).is_due(ready_at=100, now=now) == due
