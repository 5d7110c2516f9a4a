"""`vlogd status`, `show`, `plan` and `why`: what the daemon knows and would do, for people and scripts."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner, config_of, inbox_named, json_option

if TYPE_CHECKING:
    from vlogd.config import Config

_WATCH_SECONDS = 1.0


@click.command()
@click.option("--watch", is_flag=True, help="Keep it up to date until Ctrl-C.")
@click.option("--ignored", is_flag=True, help="Also show what is ignored in the inboxes because of its name.")
@json_option
@click.pass_context
def status(context: click.Context, watch: bool, ignored: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show every video with its progress."""
    config = config_as_owner(context)
    if as_json:
        output.as_json(_status(config, ignored=ignored))
        return
    from vlogd.cli import render

    if watch:
        render.watch(lambda: _status(config, ignored=ignored), _WATCH_SECONDS)
    else:
        render.status(_status(config, ignored=ignored))


def _status(config: "Config", *, ignored: bool) -> dict[str, Any]:
    from vlogd.cli.reader import Reader
    from vlogd.ingest.ignored_files import ignored_files

    passed_over = (
        [asdict(file) for inbox in config.inboxes for file in ignored_files(inbox.folder)] if ignored else []
    )
    with Reader(config) as reader:
        daemon = reader.daemon
        return {
            **({"ignored": passed_over} if ignored else {}),
            "running": daemon is not None,
            "settling": daemon.settling if daemon else 0,
            "troubles": dict(daemon.troubles) if daemon else {},
            "videos": [reader.report(item).to_json() for item in reader.items()],
            "left": [asdict(left) for left in reader.left()],
        }


@click.command()
@click.argument("item", metavar="VIDEO")
@json_option
@click.pass_context
def show(context: click.Context, item: str, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show everything about one video.

    Its stages, its failures with the last lines of the tool, and its history.
    """
    from vlogd.cli.reader import Reader

    config = config_as_owner(context)
    with Reader(config) as reader:
        video = reader.find(item)
        details = {
            "item": asdict(video),
            "original": reader.original(video),
            "folder": str(config.library / "videos" / video.slug),
            "report": reader.report(video).to_json(),
            "attempts": [asdict(attempt) for attempt in reader.attempts(video)],
            "history": reader.history(video),
        }
    if as_json:
        output.as_json(details)
        return
    from vlogd.cli import render

    render.show(details)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--inbox", "name", help="The inbox whose settings apply. Default: the first one.")
@json_option
@click.pass_context
def plan(context: click.Context, file: Path, name: str | None, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Show what FILE would become, and why. Changes nothing."""
    from vlogd.engine import dry_run

    config = config_of(context)
    inbox = inbox_named(config, name)
    planned = asdict(dry_run.plan(file, config.stage_settings(inbox.name), config.limits))
    if as_json:
        output.as_json(planned)
        return
    from vlogd.cli import render

    render.plan(planned)


@click.command()
@click.argument("item", metavar="VIDEO")
@click.pass_context
def why(context: click.Context, item: str) -> None:
    """Show what remains to be done for a video, and why."""
    from vlogd.cli.reader import Reader

    with Reader(config_as_owner(context)) as reader:
        for sentence in reader.why(reader.find(item)):
            output.line(sentence)
