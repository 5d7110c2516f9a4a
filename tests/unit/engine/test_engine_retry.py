"""After a failure: again, when, or never."""

import pytest

from vlogd.core.errors import BadInput, Cancelled, Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable
from vlogd.engine.retry import BUG, Retry, kind_of


@pytest.mark.parametrize(
    ("kinds", "parks"),
    [
        (["BadInput"], True),
        (["Bug"], True),
        (["Cancelled"], True),
        (["ToolFailed", "ToolFailed"], False),
        (["ToolFailed", "ToolKilled", "ToolStalled"], True),
        (["Unavailable"] * 50, False),
        (["ToolFailed", "Unavailable", "Unavailable"], False),
        (["ToolFailed", "BadInput"], True),
        ([], False),
    ],
)
def test_failures_are_counted_by_kind(kinds: list[str], *, parks: bool) -> None:
    """Bad input parks at once, failing tools at the third time, what is unavailable never."""
    assert Retry(attempts=3).parks(kinds) is parks


def test_the_pause_grows_up_to_the_longest() -> None:
    """Each failure of a tool doubles it, with jitter of the first pause; other kinds do not count."""
    retry = Retry(first_wait_seconds=2, longest_wait_seconds=10, unavailable_wait_seconds=60)
    assert 2 <= retry.wait_seconds(["ToolFailed"]) <= 4
    assert 4 <= retry.wait_seconds(["ToolFailed", "Unavailable", "ToolFailed"]) <= 6
    assert retry.wait_seconds(["ToolFailed"] * 30) == 10
    assert retry.wait_seconds(["ToolFailed", "Unavailable"]) == 60


@pytest.mark.parametrize(
    "error", [BadInput, Cancelled, Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable]
)
def test_a_kind_is_the_name_of_the_error_s_class(error: type[Exception]) -> None:
    """What nobody foresaw is a bug."""
    assert kind_of(error("why")) == error.__name__
    assert kind_of(KeyError("x")) == BUG
