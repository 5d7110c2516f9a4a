"""`vlogd fsck`: do the journal, the originals and the library agree?"""

from dataclasses import asdict

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner, json_option


@click.command()
@click.option("--deep", is_flag=True, help="Read every file and compare its digest. Takes a while.")
@click.option("--repair", is_flag=True, help="Repair what can be repaired. vlogd must not be running.")
@click.option("--strangers", multiple=True, metavar="SLUG",
              help="With --repair: move this published video, to which no original belongs, to the trash. May be repeated.")  # fmt: skip
@json_option
@click.pass_context
def fsck(context: click.Context, deep: bool, repair: bool, strangers: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Compare journal, originals and library.

    The exit code is 1 if something differs and was not repaired. Published videos without an original stay unless they are named.
    """
    from vlogd.daemon.fsck import ConsistencyCheck

    if strangers and not repair:
        raise click.UsageError("--strangers moves videos to the trash, so it needs --repair as well.")
    check = ConsistencyCheck(
        config_as_owner(context), deep=deep, repair=repair, strangers=strangers, tell=output.problem
    )
    differences = check.run()
    if as_json:  # `mended` is what `repaired` was called up to 0.1.0
        output.as_json([{**asdict(found), "mended": found.repaired} for found in differences])
    else:
        for difference in differences:
            repaired = f" Repaired: {difference.repaired}." if difference.repaired else ""
            output.line(f"{difference.where}: {difference.sentence}{repaired}")
        count = len(differences)
        output.line(
            f"{count} difference{'' if count == 1 else 's'}."
            if count
            else "Journal, originals and library agree."
        )
    context.exit(0 if all(difference.repaired for difference in differences) else 1)
