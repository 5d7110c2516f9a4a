"""What people see on a terminal and scripts in a pipe."""

from typing import Any

import pytest

from vlogd.cli import render
from vlogd.media.conformance.violations import Violation


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7322, "2 h 02 min"),
    ],
)
def test_a_span_of_time(seconds: float | None, text: str) -> None:
    """Rounded before it is divided: never "60 s"."""
    assert render.duration(seconds) == text


PLAN: dict[str, Any] = {
    "why": ["The source is shown at 1280x720; " + "no rendition is larger " * 20],
    "segments": 12,
    "chunks": 4,
    "audio": ["English, 2 channels, 128 kbit/s", "Deutsch, 2 channels, 128 kbit/s"],
    "stages": {f"stage-number-{number}": "" for number in range(30)},
    "estimated_bytes": 12_345_678,
}


def test_a_plan_without_a_terminal_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each sentence, whatever its length: a name is never broken in two."""
    render.plan(PLAN)
    why, summary, stages = capsys.readouterr().out.splitlines()
    assert why.rstrip() == PLAN["why"][0].rstrip()
    assert summary == (
        "12 segments in 4 chunks, audio: English, 2 channels, 128 kbit/s; Deutsch, 2 channels, 128 kbit/s; "
        "at most 12 MB."
    )
    assert stages == "Stages: " + ", ".join(PLAN["stages"])


def video(title: str, status: str, **more: Any) -> dict[str, Any]:
    """A video as `vlogd status --json` has it."""
    return {"title": title, "status": status, "playable": status == "ready", "progress": 100.0, "eta_seconds": None,
            "error": None, "notes": [], **more}  # fmt: skip


def overview(**more: Any) -> dict[str, Any]:
    """All of it."""
    return {"videos": [], "left": [], "troubles": {}, "settling": 0, "running": True, **more}


def test_status_has_all_that_needs_attention(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors and notes below their video; then what was left, troubles, copies, and that nothing runs."""
    render.status(
        overview(
            videos=[
                video("Done", "ready"),
                video("Growing", "processing", playable=True, progress=41.6, eta_seconds=61),
                video("Broken \x1b[2J", "failed", error="No such luck.", notes=["captions: waits"]),
            ],
            left=[{"path": "/in/\x1b[31mx.mp4", "why": "It is a pipe."}],
            ignored=[{"path": "/in/y.mp4.part", "why": "It is unfinished."}],
            troubles={"disk": "The disk is full."},
            settling=1,
            running=False,
        )
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    bar = "━" * 20
    assert lines[0] == "video state progress left"
    assert lines[1] == f"Done ready {bar} 100 %"
    assert lines[2].startswith("Growing processing (watchable) ")
    assert lines[2].endswith("42 % 1 min 01 s")
    assert lines[3] == f"Broken \\x1b[2J failed {bar} 100 %"
    assert lines[4:] == [
        "No such luck.",
        "captions: waits",
        "left in the inbox: /in/\\x1b[31mx.mp4: It is a pipe.",
        "ignored in the inbox: /in/y.mp4.part: It is unfinished.",
        "The disk is full.",
        "1 file is still being copied",
        "vlogd is not running",
    ]


def test_status_of_an_empty_home(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to begin."""
    render.status(overview())
    assert capsys.readouterr().out == "No videos yet; drop one into an inbox.\n"


def test_findings(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each, with its rule; a stream without any keeps every rule."""
    finding = Violation("must", "RFC 8216 3", "v/00001\x07.m4s", "It is cut off.")
    render.violations({"a\x1b[2J": [finding], "b": []})
    assert capsys.readouterr().out.splitlines() == [
        "must   a\\x1b[2J: v/00001\\x07.m4s: It is cut off. [RFC 8216 3]",
        "b: every rule is kept.",
    ]
    render.violations({})
    assert capsys.readouterr().out == "There is no video to check.\n"
