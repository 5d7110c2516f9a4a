"""An artifact that lacks what its stage makes by now gets it, and nothing else is made again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from toy_stages import ToySettings, pipeline

from vlogd.core.model import Json, Part
from vlogd.stages.contract import Stage, Work

SETTINGS: dict[str, Any] = {stage.name: ToySettings() for stage in pipeline()}
FAULTY = "film 1"
MORE = "part-more"


def newer() -> tuple[Stage[Any], ...]:
    """The stages of a version in which `left` makes a file more of films that are `FAULTY`."""
    stages = {stage.name: stage for stage in pipeline()}
    old_parts = stages["left"].parts

    def parts(work: Work[Any]) -> Sequence[Part]:
        faulty = FAULTY in (work.inputs["first"] / "part-0.txt").read_text()
        return [*old_parts(work), *([Part(MORE)] if faulty else [])]

    def is_outdated(folder: Path, inputs: Mapping[str, Path], settings: Mapping[str, Json]) -> bool:
        assert settings["word"] == "a"
        lacks = FAULTY in (inputs["first"] / "part-0.txt").read_text()
        return lacks and not (folder / f"{MORE}.txt").exists()

    stages["left"] = replace(stages["left"], parts=parts, is_outdated=is_outdated)
    return tuple(stages.values())


def written(home: Path) -> dict[str, int]:
    """When the files of all parts were written."""
    return {
        str(path.relative_to(home)): path.stat().st_mtime_ns
        for path in home.glob("library/videos/*/*/part-*.txt")
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three finished videos of an earlier version."""
    engine = Engine(tmp_path, pipeline(), SETTINGS, looks=False)
    for number in range(3):
        engine.drop(f"item{number}", f"film {number}")
    engine.run()
    engine.close()
    return tmp_path


def test_only_what_is_lacking_is_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder where the rest is; what was made of the artifact is made again, because it changed."""
    before = written(home)
    monkeypatch.setattr("vlogd.engine.verification.version", lambda: "newer")
    for expected in (True, False):
        engine = Engine(home, newer(), SETTINGS, looks=False)
        engine.events.clear()
        engine.controller.maintenance.look(engine.journal.items.ids())
        engine.run()
        started = {type(event).__name__ for event in engine.events} & {"StepWanted", "PartStarted"}
        assert bool(started) is expected
        engine.close()
        after = written(home)
        kept = {name: time for name, time in before.items() if "/last-" not in name}
        assert {name: after[name] for name in kept} == kept
        lacking = [name for name in after.keys() - before.keys() if "/last-" not in name]
        assert [Path(name).name for name in lacking] == [f"{MORE}.txt"]
        assert "film-item1/left-" in lacking[0]
        others = {name: time for name, time in before.items() if "item1" not in name}
        assert {name: after[name] for name in others} == others


def test_nothing_is_outdated_whose_original_is_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be made again."""
    before = written(home)
    monkeypatch.setattr("vlogd.engine.verification.version", lambda: "newer")
    for path in home.glob("originals/item1/*"):
        if not path.name.startswith("."):
            path.unlink()
    engine = Engine(home, newer(), SETTINGS, looks=False)
    engine.controller.maintenance.look(engine.journal.items.ids())
    engine.run()
    engine.close()
    assert written(home) == before
