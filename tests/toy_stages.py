"""A pipeline of quick stages for tests of the engine: they write small files instead of videos."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from vlogd.core.model import Part, View
from vlogd.core.settings import settings
from vlogd.stages.contract import Stage, Work, check
from vlogd.stages.workspace import Workspace


@settings
class ToySettings:
    """`word` goes into every file; `parts` is how many parts there are."""

    word: str = "a"
    parts: int = 3


@dataclass(frozen=True)
class ToyFacts:
    """How many characters a part wrote."""

    length: int


def _parts(work: Work[ToySettings]) -> Sequence[Part]:
    return [Part(f"part-{n}", order=n) for n in range(work.settings.parts)]


def _run(part: Part, ws: Workspace[ToySettings]) -> ToyFacts:
    below = "".join((folder / f"{need}.txt").read_text() for need, folder in sorted(ws.inputs.items()))
    text = f"{ws.film.read_text()} {ws.settings.word} {part.name} [{below}]"
    ws.deliver_bytes(text.encode(), f"{part.name}.txt")
    return ToyFacts(len(text))


def toy(
    name: str, *needs: str, version: int = 1, essential: bool = True, uses: tuple[str, ...] = ()
) -> Stage[ToySettings]:
    """A stage whose artifact depends on the original, its settings, its version and its inputs."""

    def view(work: Work[ToySettings], have: Set[str]) -> View:
        names = sorted(n for n in have if n.startswith("part-"))
        state = "whole" if work.complete else "growing"
        joined = "\n".join([state, *(f"{n} v{version}" for n in names)]).encode()
        if not work.complete:
            return View(files={f"{name}.txt": joined})
        return View(
            files={f"{name}.txt": joined}, names={f"{name}.txt": f"{name}.txt"}, facts={name: len(names)}
        )

    return Stage(name, version, _parts, _run, needs, uses, ToySettings, view, essential)


def pipeline(**versions: int) -> tuple[Stage[Any], ...]:
    """Four stages in a diamond: first → left, right → last; the last does not wait for the right one."""
    made = [
        toy("first"),
        toy("left", "first"),
        toy("right", "first", essential=False),
        toy("last", "left", uses=("right",)),
    ]
    return check(*(replace(stage, version=versions.get(stage.name, 1)) for stage in made))
