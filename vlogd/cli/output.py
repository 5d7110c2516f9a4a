"""How commands print: every text that goes to a terminal goes through here or through `render`.

Names of dropped files end up in it, and they can hold anything, also what moves a terminal's cursor, sets its title
or fakes its lines. So whatever is not printable is written as an escape; JSON is plain ASCII anyway.
"""

import json
from typing import Any

import click

from vlogd.core.escape import escaped


def line(text: str) -> None:
    """One line on standard output."""
    click.echo(escaped(text))


def labelled(label: str, colour: str, text: str) -> None:
    """One line that begins with a label, which has a colour on a terminal."""
    click.echo(f"{click.style(escaped(label), fg=colour)}  {escaped(text)}")


def as_json(value: Any) -> None:
    """A value for a script."""
    click.echo(json.dumps(value, indent=1))


def error(text: str) -> None:
    """One line on standard error."""
    click.echo(escaped(text), err=True)


def problem(sentence: str) -> None:
    """What is wrong, on standard error."""
    error(f"vlogd: {sentence}")
