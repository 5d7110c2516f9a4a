"""`vlogd fetch-model`."""

import os

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_as_owner


@click.command("fetch-model")
@click.pass_context
def fetch_model(context: click.Context) -> None:
    """Fetch the speech models that the configuration names, unless they are on this machine.

    `vlogd run` does so itself where it has a network; the service has none.
    """
    from vlogd.stages.captions import client

    config = config_as_owner(context, with_state=False)
    named = dict.fromkeys(
        stages["captions"].model for stages in (config.default_stages, *config.stages.values())
    )
    for model in named:
        if os.sep in model:
            output.line(f"The speech model is a folder and need not be fetched: {model}.")
        else:
            output.line(
                f"The speech model {model} is on this machine: {client.fetch_model(model, config.limits)}."
            )
