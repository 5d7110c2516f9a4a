"""What several commands take: the configuration, the name of an inbox, `--json`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # pydantic and yaml are loaded when a configuration is read, not for `--help`
    from vlogd.config import Config
    from vlogd.ingest.inbox import Inbox

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def config_of(context: click.Context) -> "Config":
    """The configuration that the user named, or the first usual one that exists. Raises ConfigError.

    Raises Unavailable when root, who named none, stands in the folder of somebody who could have put one there.
    """
    from vlogd.cli import privileges
    from vlogd.config import load

    path: Path | None = context.obj
    if path is None:
        usual = [Path("vlogd.yaml"), Path("/etc/vlogd/vlogd.yaml")]
        path = next((candidate for candidate in usual if candidate.exists()), usual[0])
        privileges.check_found(path)
    return load(path)


def config_as_owner(context: click.Context, *, with_state: bool = True) -> "Config":
    """`config_of`, for commands that use vlogd's folders: root continues as their owner.

    Raises ConfigError, and Unavailable `with_state`, which only root and its owner can see, for anybody else.
    """
    from vlogd.cli import privileges

    config = config_of(context)
    privileges.become_owner(config.state)
    if with_state:
        privileges.check_readable(config.state)
    return config


def inbox_named(config: "Config", name: str | None) -> "Inbox":
    """The inbox with this name; the first one without a name. Raises click.BadParameter when there is none."""
    if name is None:
        return config.inboxes[0]
    inboxes = {inbox.name: inbox for inbox in config.inboxes}
    if name not in inboxes:
        raise click.BadParameter(
            f"There is no inbox {name!r}; there is {' and '.join(inboxes)}.", param_hint="--inbox"
        )
    return inboxes[name]
