"""How a tool's end is understood: its own failure, a crash that the file may have caused, or somebody's kill."""

from pathlib import Path

import pytest
from clips import ffmpeg

from vlogd.core.errors import BadInput, ToolFailed, ToolKilled, ToolStalled
from vlogd.engine.retry import Retry, kind_of
from vlogd.media import ffprobe, process, refusals
from vlogd.media.process import Limits
from vlogd.media.sandbox.access import Access

SCRIPT = Access(processes=True)
"""Of a script of several programs."""


@pytest.mark.parametrize(
    ("script", "error"),
    [("exit 3", ToolFailed), ("kill -SEGV $$", ToolFailed), ("kill -KILL $$", ToolKilled), ("kill -TERM $$", ToolKilled)],
)  # fmt: skip
def test_the_end_of_a_tool(script: str, error: type[ToolFailed | ToolKilled]) -> None:
    """Only what came from outside says nothing of the file. What the tool printed is kept, and is not the sentence."""
    with pytest.raises(error) as caught:
        process.run(["sh", "-c", f"echo no luck >&2; {script}"], limits=Limits())
    assert caught.value.stderr_tail == ("no luck",)
    assert refusals.is_refusal(str(caught.value))


def test_a_stall_is_no_failure() -> None:
    """A tool that shows nothing is ended, with its last words; nobody may take that for the file's fault."""
    with pytest.raises(ToolStalled, match="made no progress") as caught:
        process.run(["sh", "-c", "echo waiting >&2; exec sleep 600"], limits=Limits(stall_seconds=1))
    assert caught.value.stderr_tail == ("waiting",)
    assert not issubclass(ToolStalled, ToolFailed)
    assert kind_of(caught.value) == "ToolStalled"


def test_a_tool_that_computes_too_long_blames_the_file() -> None:
    """Unlike one that waits, for a disk."""
    with pytest.raises(ToolFailed) as caught:
        process.run(["sh", "-c", "while :; do :; done"], limits=Limits(cpu_seconds=1))
    assert refusals.TOO_MUCH_WORK.matches(str(caught.value))


@pytest.mark.parametrize("kind", ["ToolKilled", "ToolStalled"])
def test_a_tool_that_was_ended_is_tried_again(kind: str) -> None:
    """As often as one that failed, and no more; each time after a longer wait."""
    rules = Retry(attempts=3)
    assert [rules.parks([kind] * times) for times in (1, 2, 3)] == [False, False, True]
    assert rules.wait_seconds([kind] * 2) >= 4


def test_lines_come_as_they_were_printed() -> None:
    """Whole, in order, wherever the blocks end; also a long one, empty ones, and a last one without its end."""
    script = "head -c 3000000 /dev/zero | tr '\\0' x; printf '\\n\\nb\\n'; sleep 0.3; printf 'c'; sleep 0.3; printf 'd\\ne'"
    assert process.output(["sh", "-c", script], limits=Limits(), access=SCRIPT).split("\n") == [
        "x" * 3000000,
        "",
        "b",
        "cd",
        "e",
    ]


@pytest.mark.parametrize("script", ["yes | head -c 20000000", "head -c 20000000 /dev/zero | tr '\\0' x"])
def test_what_a_tool_prints_is_bounded(script: str) -> None:
    """Many lines or an endless one: it is ended, with a sentence."""
    with pytest.raises(ToolFailed, match="more than 16 MiB"):
        process.output(["sh", "-c", script], limits=Limits(), access=SCRIPT)


def test_a_file_with_huge_tags_is_refused(tmp_path: Path) -> None:
    """Its owner is told why; vlogd does not keep megabytes of tags."""
    words = tmp_path / "words.txt"
    words.write_text(";FFMETADATA1\ntitle=" + "x" * (9 << 20) + "\nartist=" + "y" * (9 << 20) + "\n")
    film = tmp_path / "a.mkv"
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-i", words, "-map_metadata", "1", film)
    with pytest.raises(BadInput, match="more than 16 MiB"):
        ffprobe.describe(film, Limits())
