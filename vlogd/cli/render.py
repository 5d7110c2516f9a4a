"""Tables, bars and colours for a terminal. rich is imported here only.

Where there is no terminal (a pipe, a file, a cron job) nothing is wrapped: a script reads lines.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vlogd.core.escape import escaped

_COLOURS = {"ready": "green", "failed": "red", "processing": "yellow", "queued": "dim"}
_LEVEL_COLOURS = {"must": "red"}

_NEVER_WRAP_COLUMNS = 1_000_000
"""A width that no line exceeds."""

_TOOL_LINES = 10
"""How many of a failed tool's last lines are shown; the JSON has them all."""


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_NEVER_WRAP_COLUMNS)


def _text(value: str, style: str = "") -> Text:
    """Text that is safe for a terminal: file names may contain sequences that move its cursor or fake lines."""
    return Text(escaped(value), style=style)


def status(overview: Mapping[str, Any]) -> None:
    """Print the table once."""
    _console().print(_overview(overview))


def watch(look: Callable[[], Mapping[str, Any]], every_seconds: float) -> None:
    """Keep printing the table in place until Ctrl-C."""
    with Live(_overview(look()), console=_console(), refresh_per_second=4) as screen:
        try:
            while True:
                time.sleep(every_seconds)
                screen.update(_overview(look()))
        except KeyboardInterrupt:
            pass


def _overview(overview: Mapping[str, Any]) -> RenderableType:
    lines: list[RenderableType] = [
        _videos(overview["videos"]) if overview["videos"] else _text("No videos yet; drop one into an inbox.")
    ]
    lines += [
        _text(f"left in the inbox: {left['path']}: {left['why']}", style="yellow")
        for left in overview["left"]
    ]
    lines += [
        _text(f"ignored in the inbox: {ignored['path']}: {ignored['why']}", style="dim")
        for ignored in overview.get("ignored", ())
    ]
    lines += [_text(sentence, style="yellow") for sentence in overview["troubles"].values()]
    count = overview["settling"]
    if count:
        lines.append(_text(f"{count} file{' is' if count == 1 else 's are'} still being copied"))
    if not overview["running"]:
        lines.append(_text("vlogd is not running", style="dim"))
    return Group(*lines)


def _videos(videos: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("video", "state", "progress", "", "left"):
        table.add_column(column, overflow="fold")
    for video in videos:
        watchable = " (watchable)" if video["playable"] and video["status"] != "ready" else ""
        table.add_row(
            _text(video["title"]),
            _text(video["status"] + watchable, style=_COLOURS[video["status"]]),
            ProgressBar(total=100, completed=video["progress"], width=20),
            f"{video['progress']:.0f} %",
            duration(video["eta_seconds"]),
        )
        for sentence in filter(None, (video["error"], *video["notes"])):
            table.add_row("", _text(sentence, style="dim"))
    return table


def duration(seconds: float | None) -> str:
    """A duration for people; "" when it is not known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def show(details: Mapping[str, Any]) -> None:
    """Print one video."""
    console = _console()
    report = details["report"]
    console.print(
        _text(report["title"], style="bold"), _text(report["status"], style=_COLOURS[report["status"]])
    )
    for key, value in (
        ("id", report["id"]),
        ("original", details["original"]),
        ("folder", details["folder"]),
    ):
        console.print(_text(f"  {key:<9} {value}"))
    for name, stage in report["stages"].items():
        line = f"  {name:<9} {stage['status']} {stage['progress']:.0f} %  {stage['error'] or ''}"
        console.print(_text(line.rstrip()))
    for attempt in details["attempts"]:
        failure = f"  failed    {attempt['stage']}/{attempt['part']}: {attempt['sentence']}"
        console.print(_text(failure, style="red"))
        for line in attempt["stderr"].splitlines()[-_TOOL_LINES:]:
            console.print(_text(f"            {line}", style="dim"))


def plan(planned: Mapping[str, Any]) -> None:
    """Print a dry run."""
    console = _console()
    for sentence in planned["why"]:
        console.print(_text(sentence))
    megabytes = planned["estimated_bytes"] / 1e6
    audio = "; ".join(planned["audio"]) or "none"
    console.print(_text(f"{planned['segments']} segments in {planned['chunks']} chunks, audio: {audio}; "
                        f"at most {megabytes:.0f} MB."))  # fmt: skip
    console.print(_text("Stages: " + ", ".join(planned["stages"])))


def violations(streams: Mapping[str, Any]) -> None:
    """Print the violations that `vlogd verify` found, stream by stream."""
    console = _console()
    for name, of_stream in streams.items():
        if not of_stream:
            console.print(_text(f"{name}: every rule is kept.", style="green"))
        for violation in of_stream:
            label = _text(f"{violation.level:6} ", style=_LEVEL_COLOURS.get(violation.level, "yellow"))
            sentence = _text(f"{name}: {violation.where}: {violation.sentence} [{violation.rule}]")
            console.print(Text.assemble(label, sentence))
    if not streams:
        console.print("There is no video to check.")
