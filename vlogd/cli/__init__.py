"""The command line. Each command lives in a file of its own, which is loaded when the command is called.

Exit codes: 0 all is well; 1 something failed; 2 the command or the configuration is wrong; 3 there is no such video.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from vlogd.cli import output
from vlogd.cli.finder import NotFound
from vlogd.core.errors import ConfigError, VlogdError

FAILED, WRONG_USE, NOT_FOUND = 1, 2, 3

_INTERRUPTED = 130
"""What a shell reports for a program that Ctrl-C ended: 128 + SIGINT."""

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
    "fetch-model": "fetch_model",
    "serve": "serve",
    "verify": "verify",
}
"""Command to file, in the order of `vlogd --help`."""


class _LazyGroup(click.Group):
    """Loads a command's file when the command is called."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"vlogd.cli.{_COMMANDS[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", envvar="VLOGD_CONFIG", type=click.Path(path_type=Path), metavar="FILE",
              help="The configuration file. Default: ./vlogd.yaml, then /etc/vlogd/vlogd.yaml.")  # fmt: skip
@click.version_option(package_name="vlogd")
@click.pass_context
def cli(context: click.Context, path: Path | None) -> None:
    """Turn dropped videos into captioned streams that any web server can serve."""
    context.obj = path


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: an error of ours is a sentence and an exit code, never a traceback."""
    try:
        # Outside standalone mode click returns a command's exit code instead of exiting.
        sys.exit(cli.main(arguments, standalone_mode=False) or 0)
    except click.exceptions.Abort:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # the reader of the pipe is gone: nothing can be reported, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except (click.ClickException, VlogdError, OSError) as error:
        sys.exit(_report(error))


def _report(error: click.ClickException | VlogdError | OSError) -> int:
    """Print what is wrong; the exit code for it."""
    match error:
        case click.UsageError():
            if error.ctx is not None:
                output.error(error.ctx.get_usage())
            output.problem(error.format_message())
            return WRONG_USE
        case click.ClickException():
            output.problem(error.format_message())
            return WRONG_USE
        case ConfigError():
            for problem in error.problems:
                output.problem(problem)
            return WRONG_USE
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            output.problem(f"{where}{error.strerror or error}.")
            return FAILED
    output.problem(str(error))
    return NOT_FOUND if isinstance(error, NotFound) else FAILED
