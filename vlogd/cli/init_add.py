"""`vlogd init` and `vlogd add`."""

import os
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import click

from vlogd.cli import output
from vlogd.cli.arguments import config_of, inbox_named
from vlogd.core import contents, files
from vlogd.core.cancellation import Never
from vlogd.core.descriptors import Folder
from vlogd.core.errors import BadInput
from vlogd.ingest.ignored_names import is_ignored

_HOME_FILE = """\
# vlogd: every key with its unit and default is in config.example.yaml.
# Folders are relative to this file.
state: state
originals: originals
library: library

inboxes:
  main:
    folder: inbox
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Create a self-contained home in FOLDER.

    It holds vlogd.yaml, inbox/, state/, originals/ and library/. What is there already stays as it is.
    """
    from vlogd.cli import privileges

    privileges.become_owner(folder)
    path = _write_home(folder)
    output.line(f"Ready: drop videos into {folder / 'inbox'}, then run: vlogd --config {path} run")


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--inbox", "name", help="The inbox to use. Default: the first one.")
@click.pass_context
def add(context: click.Context, paths: tuple[Path, ...], name: str | None) -> None:
    """Copy files into an inbox. The files themselves stay where they are."""
    from vlogd.cli import privileges

    config = config_of(context)
    inbox = inbox_named(config, name)
    with ExitStack() as opened:
        sources = [(path, opened.enter_context(_open(path))) for path in paths]
        privileges.become_owner(config.state)  # after opening: root may read what vlogd's user may not
        for path, source in sources:
            _copy_into(inbox.folder, path.name, source)
            output.line(f"{path.name} is in the inbox {inbox.name}; `vlogd status` shows its progress.")


def _open(path: Path) -> BinaryIO:
    """Open a file to be added. Raises OSError for a link, and BadInput with a sentence."""
    if is_ignored(path.name):
        raise BadInput(
            f"{path.name} is a name that vlogd ignores: a temporary or hidden file. Rename it and add it again."
        )
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise BadInput(f"{path} is not a regular file.")
    return file


def _copy_into(folder: Path, name: str, source: BinaryIO) -> None:
    """Copy one file into an inbox, replacing nothing. Raises BadInput with a sentence."""
    with Folder.at(folder) as inbox:
        if inbox.has(name):
            raise _waits(folder / name)
        try:
            with files.new_file(inbox, name) as file:
                contents.copy(source, file, Never())
                contents.copy_description(source, file)
        except FileExistsError as error:
            raise _waits(folder / name) from error


def _waits(target: Path) -> BadInput:
    return BadInput(f"{target} is still waiting to be taken; add {target.name} again later.")


def _write_home(folder: Path) -> Path:
    """A self-contained home folders and vlogd.yaml, which is never overwritten."""
    for name, mode in (("inbox", 0o777), ("state", 0o777), ("originals", 0o700), ("library", 0o777)):
        (folder / name).mkdir(mode, parents=True, exist_ok=True)
    path = folder / "vlogd.yaml"
    with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:  # "x" follows no link
        file.write(_HOME_FILE)
    return path
