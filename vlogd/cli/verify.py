"""`vlogd verify`: does a stream keep the rules? Also of folders that vlogd did not make."""

from pathlib import Path

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_of, json_option
from vlogd.cli.finder import NotFound


@click.command()
@click.argument("target", required=False)
@click.option("--quick", is_flag=True, help="Decode key frames only.")
@json_option
@click.pass_context
def verify(context: click.Context, target: str | None, quick: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check that streams keep the rules.

    TARGET is a video, a folder with an HLS stream, or a playlist; without it every video is checked. Each finding names the rule that is broken. The exit code is 1 if a rule that must hold does not.
    """
    from vlogd.media.conformance import check
    from vlogd.media.process import Limits

    streams = _streams(context, target)
    options = check.CheckOptions(Limits(), "key-frames" if quick else "all")
    findings = {name: check.stream(path, options, root) for name, (path, root) in streams.items()}
    if as_json:
        output.as_json({name: [finding.to_json() for finding in found] for name, found in findings.items()})
    else:
        from vlogd.cli import render

        render.findings(findings)
    is_broken = any(finding.level == "must" for found in findings.values() for finding in found)
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
    config = config_of(context)
    with Reader(config) as reader:
        items = [reader.find(target)] if target else list(reader.items())
    folders = {item.slug: config.library / "videos" / item.slug for item in items}
    masters = {slug: (folder / "master.m3u8", folder) for slug, folder in folders.items()}
    return {slug: stream for slug, stream in masters.items() if target or stream[0].exists()}
