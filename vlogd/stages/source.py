"""The first stage: the film that all others are made from, for items that were not dropped as a file.

The film of an item whose source is a `File` is the original itself; this stage does not apply to it and costs it
nothing. For any other kind of source the film is made here, once: downloaded, rendered. It is a private artifact with one
file, and the other stages find it as `ws.film` as if it had been dropped.

A kind of source is a function and a line in `KINDS`. The function gets the source, the workspace and the path at which it
has to write the film. It may take hours: it calls `ws.report_progress`, and ends early when `ws.stop` is set.
`tests/unit/stages/test_stages_source.py` has one to copy.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlogd.core.errors import BadInput
from vlogd.core.model import File, Item, Part
from vlogd.core.settings import NoSettings
from vlogd.stages.contract import Stage, Work
from vlogd.stages.facts import NoFacts
from vlogd.stages.workspace import Workspace

NAME = "source"

_FILM = "film"
"""The artifact's one file. Without an extension: tools look at the content."""

Fetch = Callable[[Any, Workspace[NoSettings], Path], None]
"""Writes the film of a source (the first argument, of the kind that it is registered for) at the given path."""

KINDS: Mapping[type, Fetch] = {}
"""The function for each kind of source but `File`."""


def film(inputs: Mapping[str, Path]) -> Path | None:
    """The film in the artifact of this stage; None for an item that has none because it was dropped as a file."""
    return inputs[NAME] / _FILM if NAME in inputs else None


def stage(kinds: Mapping[type, Fetch]) -> Stage[NoSettings]:
    """The stage for these kinds of source."""

    def run(_part: Part, ws: Workspace[NoSettings]) -> NoFacts:
        source = ws.item.source
        fetch = kinds.get(type(source))
        if fetch is None:
            kind = type(source).__name__.lower()
            raise BadInput(f"This version of vlogd cannot make a video from a {kind}; install a newer one.")
        path = ws.scratch / _FILM
        fetch(source, ws, path)
        ws.deliver(path, _FILM)
        return NoFacts()

    return Stage(name=NAME, version=1, parts=_parts, run=run, applies=_applies, private=True)


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("film"),)


def _applies(item: Item) -> bool:
    return not isinstance(item.source, File)


STAGE = stage(KINDS)
