"""`vlogd run`."""

import click

from vlogd.cli.arguments import config_as_owner


@click.command()
@click.option(
    "--once", is_flag=True, help="Work until nothing is left to do, then end: 0 if all is ready, else 1."
)
@click.pass_context
def run(context: click.Context, once: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Watch the inboxes and work, in the foreground."""
    from vlogd.core import log
    from vlogd.daemon.service import run as run_service

    config = config_as_owner(context)
    log.configure()
    context.exit(run_service(config, once=once))
