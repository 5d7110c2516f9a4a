"""`vlogd fsck`: do the journal, the originals and the library agree?"""

import json
from dataclasses import asdict

import click

from vlogd.cli import config_of
from vlogd.core.log import escaped


@click.command()
@click.option("--deep", is_flag=True, help="Read every file and compare its digest; takes its time.")
@click.option("--repair", is_flag=True, help="Mend what can be mended. vlogd must not be running.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
def fsck(context: click.Context, deep: bool, repair: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Compare journal, originals and library. The exit code is 1 if something differs and was not mended."""
    from vlogd.daemon.fsck import Check

    findings = Check(config_of(context), deep=deep, repair=repair).run()
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=1))
    else:
        for one in findings:
            click.echo(
                escaped(f"{one.where}: {one.sentence}" + (f" Mended: {one.mended}." if one.mended else ""))
            )
        click.echo("Journal, originals and library agree." if not findings else f"{len(findings)} findings.")
    context.exit(0 if all(one.mended for one in findings) else 1)
