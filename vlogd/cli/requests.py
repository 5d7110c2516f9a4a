"""`vlogd retry`, `cancel`, `rm` and `restore`: wishes that the daemon fulfils, now or when it runs again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vlogd.cli import NOT_FOUND, config_of, find
from vlogd.core.errors import Unavailable
from vlogd.core.log import escaped


def _ask(
    state: Path, done: str, later: str, verb: Any, item_ids: Sequence[str], *, now: bool = False
) -> None:
    """Leave requests, and say when they are fulfilled."""
    from vlogd.daemon.lock import is_locked
    from vlogd.daemon.requests import leave_request

    for item_id in item_ids:
        leave_request(state, verb, item_id, now=now)
    click.echo(escaped(done if is_locked(state) else later))


@click.command()
@click.argument("item", required=False)
@click.option("--all", "everything", is_flag=True, help="Every video of which a part failed.")
@click.pass_context
def retry(context: click.Context, item: str | None, everything: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Try a parked or cancelled video again."""
    from vlogd.cli.reader import Reader

    if everything == bool(item):
        raise click.UsageError("name one video, or say --all.")
    config = config_of(context)
    with Reader(config) as reader:
        found = [one for one in reader.items() if reader.has_failed(one)] if everything else []
        if item:
            found = [find(context, reader, item)]
    named = found[0].title if item else f"{len(found)} videos"
    _ask(
        config.state,
        f"{named}: tried again now.",
        f"{named}: tried again when vlogd runs.",
        "retry",
        [one.id for one in found],
    )


@click.command()
@click.argument("item")
@click.pass_context
def cancel(context: click.Context, item: str) -> None:
    """Stop working on a video. What is done stays; `vlogd retry` goes on with the rest."""
    from vlogd.cli.reader import Reader

    config = config_of(context)
    with Reader(config) as reader:
        found = find(context, reader, item)
    _ask(
        config.state,
        f"{found.title}: cancelled.",
        f"{found.title}: cancelled as soon as vlogd runs.",
        "cancel",
        [found.id],
    )


@click.command()
@click.argument("items", nargs=-1, required=True)
@click.option("--now", is_flag=True, help="Delete the original and the stream at once, for good.")
@click.pass_context
def rm(context: click.Context, items: Sequence[str], now: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Take videos off the page and put original and stream into the trash."""
    from vlogd.cli.reader import Reader

    config = config_of(context)
    with Reader(config) as reader:
        found = [find(context, reader, item) for item in items]
    days = config.keeping.trash_seconds / 86400
    what = "deleted" if now else f"to the trash, where `vlogd restore` finds it for {days:g} days"
    for one in found:
        _ask(
            config.state,
            f"{one.title}: {what}.",
            f"{one.title}: {what}, as soon as vlogd runs.",
            "remove",
            [one.id],
            now=now,
        )


@click.command()
@click.argument("item", required=False)
@click.pass_context
def restore(context: click.Context, item: str | None) -> None:
    """Bring a video back from the trash; without ITEM, list what lies there."""
    import datetime as dt

    from vlogd.storage.originals import Originals

    config = config_of(context)
    lying = list(Originals(config.originals).removed())
    if item is None:
        for one, keep_until in lying:
            end = dt.datetime.fromtimestamp(keep_until, dt.UTC).date().isoformat()
            click.echo(escaped(f"{one.slug}  {one.title}  (until {end})"))
        return
    found = [one for one, _ in lying if item in (one.id, one.slug, one.title) or one.slug.startswith(item)]
    if len(found) != 1:
        click.echo(
            f"vlogd: {item!r} names {len(found)} videos in the trash; `vlogd restore` lists them.", err=True
        )
        context.exit(NOT_FOUND)
    if Originals(config.originals).item(found[0].id) is not None:
        raise Unavailable(f"{found[0].title} was dropped again since; remove that one first.")
    _ask(
        config.state,
        f"{found[0].title}: restored.",
        f"{found[0].title}: restored when vlogd runs.",
        "restore",
        [found[0].id],
    )
