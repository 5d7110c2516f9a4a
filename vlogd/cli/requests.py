"""`vlogd retry`, `cancel`, `rm` and `restore`: requests that the daemon carries out, now or when it runs again."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner
from vlogd.cli.finder import find
from vlogd.core.errors import Unavailable

if TYPE_CHECKING:
    from vlogd.core.model import Item
    from vlogd.daemon.requests import Verb

_DAY_SECONDS = 86400


def _request(state: Path, verb: "Verb", items: "Sequence[Item]", *, now: bool = False) -> str:
    """Leave a request for each item; when they will be carried out, as the end of a sentence."""
    from vlogd.daemon.lock import is_locked
    from vlogd.daemon.requests import leave_request

    for item in items:
        leave_request(state, verb, item.id, now=now)
    return "." if is_locked(state) else " as soon as vlogd runs."


@click.command()
@click.argument("item", metavar="[VIDEO]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every video of which something failed.")
@click.pass_context
def retry(context: click.Context, item: str | None, everything: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Try a failed or cancelled video again."""
    from vlogd.cli.reader import Reader

    if everything == bool(item):
        raise click.UsageError("Name one video, or use --all.", context)
    config = config_as_owner(context)
    with Reader(config) as reader:
        items = [reader.find(item)] if item else [each for each in reader.items() if reader.has_failed(each)]
    if not items:
        output.line("No video has failed.")
        return
    named = items[0].title if item else f"{len(items)} video{'' if len(items) == 1 else 's'}"
    when = _request(config.state, "retry", items)
    output.line(f"{named}: will be tried again{when}")


@click.command()
@click.argument("item", metavar="VIDEO")
@click.pass_context
def cancel(context: click.Context, item: str) -> None:
    """Stop working on a video. What is done stays; `vlogd retry` continues with the rest."""
    from vlogd.cli.reader import Reader

    config = config_as_owner(context)
    with Reader(config) as reader:
        video = reader.find(item)
    when = _request(config.state, "cancel", [video])
    output.line(f"{video.title}: will be cancelled{when}")


@click.command()
@click.argument("items", metavar="VIDEO...", nargs=-1, required=True)
@click.option("--now", is_flag=True, help="Delete the original and the stream at once, for good.")
@click.pass_context
def rm(context: click.Context, items: Sequence[str], now: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Move videos to the trash.

    The original and the stream; the video is no longer published.
    """
    from vlogd.cli.reader import Reader

    config = config_as_owner(context)
    with Reader(config) as reader:
        videos = [reader.find(item) for item in items]
    days = config.retention.trash_seconds / _DAY_SECONDS
    what = "deleted for good" if now else f"moved to the trash, for {days:g} days"
    for video in videos:
        when = _request(config.state, "remove", [video], now=now)
        output.line(f"{video.title}: will be {what}{',' if when != '.' else ''}{when}")


@click.command()
@click.argument("item", metavar="[VIDEO]", required=False)
@click.pass_context
def restore(context: click.Context, item: str | None) -> None:
    """Bring a video back from the trash.

    Without VIDEO, list what is in the trash.
    """
    from vlogd.storage.originals import Originals

    config = config_as_owner(context)
    originals = Originals(config.originals)
    removed = list(originals.removed())
    if item is None:
        for video, keep_until in removed:
            end = dt.datetime.fromtimestamp(keep_until, dt.UTC).date().isoformat()
            output.line(f"{video.slug}  {video.title}  (until {end})")
        return
    video = find((video for video, _ in removed), item, "`vlogd restore` lists the videos in the trash")
    if originals.item(video.id) is not None:
        raise Unavailable(f"{video.title} has been dropped again since; remove that video first.")
    when = _request(config.state, "restore", [video])
    output.line(f"{video.title}: will be restored{when}")
