"""How a tool's end is understood: its own failure, a crash that the file may have caused, or somebody's kill."""

import pytest

from vlogd import process
from vlogd.errors import ToolFailed, ToolKilled, ToolStalled
from vlogd.process import Limits
from vlogd.retry import Retry, kind_of


@pytest.mark.parametrize(
    ("script", "error"),
    [("exit 3", ToolFailed), ("kill -SEGV $$", ToolFailed), ("kill -KILL $$", ToolKilled), ("kill -TERM $$", ToolKilled)],
)  # fmt: skip
def test_the_end_of_a_tool(script: str, error: type[Exception]) -> None:
    """Only what came from outside says nothing of the file."""
    with pytest.raises(error) as caught:
        process.run(["sh", "-c", f"echo no luck >&2; {script}"], limits=Limits())
    assert "no luck" in str(caught.value)


def test_a_stall_is_no_failure() -> None:
    """A tool that shows nothing is ended, with its last words; nobody may take that for the file's fault."""
    with pytest.raises(ToolStalled, match="made no progress") as caught:
        process.run(["sh", "-c", "echo waiting >&2; sleep 600"], limits=Limits(stall_seconds=1))
    assert caught.value.stderr_tail == ("waiting",)
    assert not issubclass(ToolStalled, ToolFailed)
    assert kind_of(caught.value) == "ToolStalled"


@pytest.mark.parametrize("kind", ["ToolKilled", "ToolStalled"])
def test_a_tool_that_was_ended_is_tried_again(kind: str) -> None:
    """As often as one that failed, and no more; each time after a longer wait."""
    rules = Retry(attempts=3)
    assert [rules.parks([kind] * times) for times in (1, 2, 3)] == [False, False, True]
    assert rules.wait_seconds([kind] * 2) >= 4
