"""`vlogd status`, `show`, `plan` and `why`: the survey, as people and scripts want it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vlogd.cli import config_of, find
from vlogd.core.log import escaped

_WATCH_SECONDS = 1.0
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


def _say(value: Any) -> None:
    click.echo(json.dumps(value, indent=1))


@click.command()
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
@_as_json
@click.pass_context
def status(context: click.Context, watch: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show every video with its progress."""
    from vlogd.cli.reader import Reader

    config = config_of(context)

    def look() -> dict[str, Any]:
        with Reader(config) as reader:
            return {
                "running": reader.live is not None,
                "settling": reader.live.settling if reader.live else 0,
                "troubles": dict(reader.live.troubles) if reader.live else {},
                "videos": [reader.report(item).to_json() for item in reader.items()],
                "left": [asdict(one) for one in reader.left()],
            }

    if as_json:
        _say(look())
        return
    from vlogd.cli import render

    if watch:
        render.watch(look, _WATCH_SECONDS)
    else:
        render.status(look())


@click.command()
@click.argument("item")
@_as_json
@click.pass_context
def show(context: click.Context, item: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show all that is known of one video: stages, failures with the tool's last lines, history."""
    from vlogd.cli.reader import Reader

    config = config_of(context)
    with Reader(config) as reader:
        found = find(context, reader, item)
        told = {
            "item": asdict(found),
            "original": reader.original(found),
            "folder": str(config.library / "videos" / found.slug),
            "report": reader.report(found).to_json(),
            "attempts": [asdict(attempt) for attempt in reader.attempts(found)],
            "history": reader.history(found),
        }
    if as_json:
        _say(told)
        return
    from vlogd.cli import render

    render.show(told)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--inbox", "name", help="The inbox whose settings count. Default: the first one.")
@_as_json
@click.pass_context
def plan(context: click.Context, file: Path, name: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Say what would be made of FILE, and why. Touches nothing."""
    from vlogd.engine import dry_run

    config = config_of(context)
    inbox = name or config.inboxes[0].name
    told = asdict(dry_run.plan(file, config.stage_settings(inbox), config.limits))
    if as_json:
        _say(told)
        return
    from vlogd.cli import render

    render.plan(told)


@click.command()
@click.argument("item")
@click.pass_context
def why(context: click.Context, item: str) -> None:
    """Say what is to be done for a video, and why."""
    from vlogd.cli.reader import Reader

    with Reader(config_of(context)) as reader:
        for sentence in reader.why(find(context, reader, item)):
            click.echo(escaped(sentence))
