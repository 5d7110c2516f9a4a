"""`vlogd fsck`: do the journal, the originals and the library agree?"""

from dataclasses import asdict

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner, json_option


@click.command()
@click.option("--deep", is_flag=True, help="Read every file and compare its digest. Takes a while.")
@click.option("--repair", is_flag=True, help="Repair what can be repaired. vlogd must not be running.")
@json_option
@click.pass_context
def fsck(context: click.Context, deep: bool, repair: bool, as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Compare journal, originals and library.

    The exit code is 1 if something differs and was not repaired.
    """
    from vlogd.daemon.fsck import ConsistencyCheck

    differences = ConsistencyCheck(config_as_owner(context), deep=deep, repair=repair).run()
    if as_json:
        output.as_json([asdict(difference) for difference in differences])
    else:
        for difference in differences:
            repaired = f" Repaired: {difference.mended}." if difference.mended else ""
            output.line(f"{difference.where}: {difference.sentence}{repaired}")
        count = len(differences)
        output.line(
            f"{count} difference{'' if count == 1 else 's'}."
            if count
            else "Journal, originals and library agree."
        )
    context.exit(0 if all(difference.mended for difference in differences) else 1)
