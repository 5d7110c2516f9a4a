"""ARCHITECTURE.md is drawn from the code's own tables."""

import re
from pathlib import Path

from test_structure import ROOMS

from vlogd.core.model import File, Item
from vlogd.stages.pipeline import STAGES

TEXT = (Path(__file__).parent.parent / "ARCHITECTURE.md").read_text()


DROPPED = Item("0" * 16, "a", "a", "main", File("a/a.mp4"), "", 0, 0.0)


def block(name: str) -> str:
    """A marked drawing."""
    found = re.search(rf"<!-- {name} -->\n```\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


def test_the_pipeline_is_drawn_as_it_is() -> None:
    """Each stage with what it needs and uses, in the pipeline's order."""
    lines = []
    for stage in STAGES:
        words = [f"needs {' '.join(stage.needs)}"] if stage.needs else []
        words += [f"uses {' '.join(stage.uses)}"] if stage.uses else []
        words += [] if stage.essential else ["not essential"]
        words += ["private"] if stage.private else []
        words += [] if stage.applies(DROPPED) else ["not for dropped files"]
        lines.append(f"{stage.name.ljust(10)} {', '.join(words)}".rstrip())
    assert block("pipeline").splitlines() == lines


def test_the_packages_are_drawn_as_they_are_enforced() -> None:
    """The rows of the picture are those of the structure test."""
    rows = [f"{room.ljust(9)} {may}".rstrip() for room, may in ROOMS.items()]
    assert block("rooms").splitlines() == rows


def test_it_stays_short() -> None:
    """A newcomer reads at most 150 lines."""
    assert len(TEXT.splitlines()) <= 150
