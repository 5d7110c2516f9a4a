"""`vlogd doctor`."""

import json
from dataclasses import asdict

import click

from vlogd.cli import config_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check ffmpeg, folders, limits, disk space and the speech model; say what to do."""
    from vlogd.daemon.doctor import examine

    findings = examine(config_of(context))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        marks = {"ok": ("ok  ", "green"), "warn": ("note", "yellow"), "fail": ("FAIL", "red")}
        for finding in findings:
            mark, colour = marks[finding.level]
            click.echo(f"{click.style(mark, fg=colour)}  {finding.sentence}")
            if finding.remedy:
                click.echo(f"      {finding.remedy}")
    context.exit(1 if any(finding.level == "fail" for finding in findings) else 0)
