"""The command line. Each command lives in a file of its own that is loaded when it is called.

Exit codes: 0 all is well; 1 something failed or was parked; 2 the command or the configuration is
wrong; 3 there is no such video.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from vlogd.core.errors import ConfigError, VlogdError
from vlogd.core.log import escaped

WRONG_USE, NOT_FOUND = 2, 3

_COMMANDS = {
    "init": "init_add",
    "add": "init_add",
    "run": "run",
    "status": "inspect",
    "show": "inspect",
    "plan": "inspect",
    "why": "inspect",
    "retry": "requests",
    "cancel": "requests",
    "rm": "requests",
    "restore": "requests",
    "fsck": "fsck",
    "doctor": "doctor",
    "serve": "serve",
    "verify": "verify",
}
"""Command to file, in the order of `vlogd --help`."""


class _Lazy(click.Group):
    """Finds a command's file when the command is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"vlogd.cli.{_COMMANDS[name]}")
        command: click.Command = getattr(module, name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", envvar="VLOGD_CONFIG", type=click.Path(path_type=Path), metavar="FILE",
              help="The configuration. Default: ./vlogd.yaml, then /etc/vlogd/vlogd.yaml.")  # fmt: skip
@click.version_option(package_name="vlogd")
@click.pass_context
def cli(context: click.Context, path: Path | None) -> None:
    """Turn dropped videos into captioned streams that any web server can serve."""
    context.obj = path


def config_of(context: click.Context) -> Any:
    """The configuration that the user asked for. Raises ConfigError."""
    from vlogd.config import load

    path = context.obj
    if path is None:
        usual = [Path("vlogd.yaml"), Path("/etc/vlogd/vlogd.yaml")]
        path = next((one for one in usual if one.exists()), usual[0])
    return load(path)


def find(context: click.Context, reader: Any, text: str) -> Any:
    """The video that the user means; ends with a sentence when there is none."""
    from vlogd.cli.reader import NotFound

    try:
        return reader.find(text)
    except NotFound as error:
        click.echo(f"vlogd: {escaped(error)}", err=True)
        context.exit(NOT_FOUND)


def main() -> None:
    """The entry point: an error of ours is a sentence and an exit code, never a traceback."""
    try:
        # Outside standalone mode click hands back a command's exit code instead of exiting.
        sys.exit(cli.main(standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)
    except ConfigError as error:
        for problem in error.problems:
            print(f"vlogd: {escaped(problem)}", file=sys.stderr)  # noqa: T201 - the place where sentences are told
        sys.exit(WRONG_USE)
    except VlogdError as error:
        print(f"vlogd: {escaped(error)}", file=sys.stderr)  # noqa: T201 - likewise
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
