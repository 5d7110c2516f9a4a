"""`vlogd verify`: does a published stream keep the rules? Also of folders that vlogd did not make."""

import json
from pathlib import Path

import click

from vlogd.cli import NOT_FOUND, config_of

_BROKEN = 1


@click.command()
@click.argument("target", required=False)
@click.option("--quick", is_flag=True, help="Decode key frames only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
def verify(context: click.Context, target: str | None, quick: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check a video, a folder with an HLS stream, or a playlist; without TARGET every video.

    Each finding names the rule that is broken. The exit code is 1 if a rule that must hold does not.
    """
    from vlogd.media.conformance import check
    from vlogd.media.process import Limits

    streams = _streams(context, target)
    options = check.CheckOptions(Limits(), "key-frames" if quick else "all")
    found = {name: check.stream(path, options, root) for name, (path, root) in streams.items()}
    if as_json:
        told = {name: [one.to_json() for one in findings] for name, findings in found.items()}
        click.echo(json.dumps(told, indent=1))
    else:
        from vlogd.cli import render

        render.findings(found)
    broken = any(one.level == "must" for findings in found.values() for one in findings)
    context.exit(_BROKEN if broken else 0)


def _streams(context: click.Context, target: str | None) -> dict[str, tuple[Path, Path]]:
    """Name to playlist and the folder outside which nothing is read."""
    from vlogd.cli.reader import NotFound, Reader
    from vlogd.media.streaming import hls_reader

    path = Path(target) if target else None
    try:
        if path is not None and path.exists():
            return {str(path): (hls_reader.top_playlist(path), path if path.is_dir() else path.parent)}
        config = config_of(context)
        with Reader(config) as reader:
            items = [reader.find(target)] if target else list(reader.items())
    except (NotFound, hls_reader.Unreadable) as error:
        click.echo(f"vlogd: {error}", err=True)
        context.exit(NOT_FOUND)
    folders = {item.slug: config.library / "videos" / item.slug for item in items}
    masters = {slug: (folder / "master.m3u8", folder) for slug, folder in folders.items()}
    return {slug: found for slug, found in masters.items() if target or found[0].exists()}
