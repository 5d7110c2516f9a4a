"""`vlogd doctor`."""

from dataclasses import asdict

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner, json_option

_LABELS = {"ok": ("ok  ", "green"), "warn": ("note", "yellow"), "fail": ("FAIL", "red")}


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Check that this machine is ready for vlogd.

    Looks at ffmpeg, folders, limits, disk space and the speech model, and says what to do. The exit code is 1 if something must be put right before vlogd can work.
    """
    from vlogd.daemon.doctor import examine

    findings = examine(config_as_owner(context, with_state=False))
    if as_json:
        output.as_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            output.labelled(*_LABELS[finding.level], finding.sentence)
            if finding.remedy:
                output.line(f"      {finding.remedy}")
    context.exit(1 if any(finding.level == "fail" for finding in findings) else 0)
