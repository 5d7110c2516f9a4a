"""How a tool's end is understood: its own failure, a crash that the file may have caused, or somebody's kill."""

import pytest

from vlogd import process
from vlogd.errors import ToolFailed, ToolKilled
from vlogd.process import Limits
from vlogd.retry import Retry


@pytest.mark.parametrize(
    ("script", "error"),
    [("exit 3", ToolFailed), ("kill -SEGV $$", ToolFailed), ("kill -KILL $$", ToolKilled), ("kill -TERM $$", ToolKilled)],
)  # fmt: skip
def test_the_end_of_a_tool(script: str, error: type[Exception]) -> None:
    """Only what came from outside says nothing of the file."""
    with pytest.raises(error) as caught:
        process.run(["sh", "-c", f"echo no luck >&2; {script}"], limits=Limits())
    assert "no luck" in str(caught.value)


def test_a_killed_tool_is_tried_again() -> None:
    """As often as one that failed, and no more."""
    rules = Retry(attempts=3)
    assert [rules.parks(["ToolKilled"] * times) for times in (1, 2, 3)] == [False, False, True]
