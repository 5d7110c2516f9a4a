"""`vlogd verify`: does a stream conform? Also for folders that vlogd did not make."""

from pathlib import Path

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner, json_option
from vlogd.cli.finder import NotFound


@click.command()
@click.argument("target", required=False)
@click.option("--quick", is_flag=True, help="Decode key frames only.")
@json_option
@click.pass_context
def verify(context: click.Context, target: str | None, quick: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check that streams conform to the HLS rules.

    TARGET is a video, a folder with an HLS stream, or a playlist; without it every video is checked. Each violation names its rule. The exit code is 1 if a mandatory rule is broken.
    """
    from vlogd.media.conformance import check
    from vlogd.media.process import Limits

    streams = _streams(context, target)
    options = check.CheckOptions(Limits(), "key-frames" if quick else "all")
    streams_violations = {name: check.stream(path, options, root) for name, (path, root) in streams.items()}
    if as_json:
        output.as_json(
            {
                name: [violation.to_json() for violation in violations]
                for name, violations in streams_violations.items()
            }
        )
    else:
        from vlogd.cli import render

        render.violations(streams_violations)
    is_broken = any(
        violation.level == "must" for violations in streams_violations.values() for violation in violations
    )
    context.exit(1 if is_broken else 0)


def _streams(context: click.Context, target: str | None) -> dict[str, tuple[Path, Path]]:
    """Name to playlist and the folder outside which nothing is read."""
    from vlogd.cli.reader import Reader
    from vlogd.media.streaming import hls_reader

    path = Path(target) if target else None
    if path is not None and path.exists():
        try:
            playlist = hls_reader.top_playlist(path)
        except hls_reader.Unreadable as error:
            raise NotFound(str(error)) from error
        return {str(path): (playlist, path if path.is_dir() else path.parent)}
    config = config_as_owner(context)
    with Reader(config) as reader:
        items = [reader.find(target)] if target else list(reader.items())
    folders = {item.slug: config.library / "videos" / item.slug for item in items}
    masters = {slug: (folder / "master.m3u8", folder) for slug, folder in folders.items()}
    return {slug: stream for slug, stream in masters.items() if target or stream[0].exists()}
