"""Tables and bars for a terminal. rich is imported here only."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vlogd.core.log import escaped

_COLOURS = {"ready": "green", "failed": "red", "processing": "yellow", "queued": "dim"}


def _text(value: str, style: str = "") -> Text:
    """What a terminal may show: names of files can hold anything, also what moves its cursor or fakes its lines."""
    return Text(escaped(value), style=style)


def status(told: Mapping[str, Any]) -> None:
    """Print the table once."""
    Console().print(_status(told))


def watch(look: Callable[[], Mapping[str, Any]], every_seconds: float) -> None:
    """Keep printing the table in place until Ctrl-C."""
    with Live(_status(look()), refresh_per_second=4) as screen:
        try:
            while True:
                time.sleep(every_seconds)
                screen.update(_status(look()))
        except KeyboardInterrupt:
            pass


def _status(told: Mapping[str, Any]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("video", "state", "progress", "", "left"):
        table.add_column(column, overflow="fold")
    for video in told["videos"]:
        state = video["status"] + (" (watchable)" if video["playable"] and video["status"] != "ready" else "")
        table.add_row(
            _text(video["title"]),
            _text(state, style=_COLOURS[video["status"]]),
            ProgressBar(total=100, completed=video["progress"], width=20),
            f"{video['progress']:.0f} %",
            _span(video["eta_seconds"]),
        )
        for sentence in filter(None, (video["error"], *video["notes"])):
            table.add_row("", _text(sentence, style="dim"))
    lines: list[RenderableType] = [
        table if told["videos"] else _text("No videos yet; drop one into an inbox.")
    ]
    lines += [
        _text(f"left in the inbox: {one['path']!a}: {one['why']}", style="yellow") for one in told["left"]
    ]
    lines += [_text(sentence, style="yellow") for sentence in told["troubles"].values()]
    if told["settling"]:
        lines.append(_text(f"{told['settling']} files are still being copied"))
    if not told["running"]:
        lines.append(_text("vlogd is not running", style="dim"))
    return Group(*lines)


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    )


def show(told: Mapping[str, Any]) -> None:
    """Print one video."""
    out = Console(highlight=False)
    report = told["report"]
    out.print(_text(report["title"], style="bold"), _text(report["status"], style=_COLOURS[report["status"]]))
    for key, value in (("id", report["id"]), ("original", told["original"]), ("folder", told["folder"])):
        out.print(_text(f"  {key:<9} {value}"))
    for name, stage in report["stages"].items():
        out.print(_text(f"  {name:<9} {stage['status']} {stage['progress']:.0f} %  {stage['error'] or ''}"))
    for attempt in told["attempts"]:
        out.print(
            _text(f"  failed    {attempt['stage']}/{attempt['part']}: {attempt['sentence']}", style="red")
        )
        for line in attempt["stderr"].splitlines()[-10:]:
            out.print(_text(f"            {line}", style="dim"))


def plan(told: Mapping[str, Any]) -> None:
    """Print a dry run."""
    out = Console(highlight=False)
    for sentence in told["why"]:
        out.print(_text(sentence))
    megabytes = told["estimated_bytes"] / 1e6
    out.print(_text(f"{told['segments']} segments in {told['chunks']} chunks, sound: {'; '.join(told['audio']) or 'none'}; "
                   f"at most {megabytes:.0f} MB."))  # fmt: skip
    out.print(_text("Stages: " + ", ".join(told["stages"])))


def findings(found: Mapping[str, Any]) -> None:
    """What `vlogd verify` found, stream by stream."""
    console = Console(highlight=False)
    for name, said in found.items():
        if not said:
            console.print(_text(f"{name}: every rule is kept.", style="green"))
        for one in said:
            colour = "red" if one.level == "must" else "yellow"
            console.print(
                Text.assemble(
                    (f"{one.level:6} ", colour), escaped(f"{name}: {one.where}: {one.sentence} [{one.rule}]")
                )
            )
    if not found:
        console.print("There is no video to look at.")
