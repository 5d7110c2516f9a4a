"""What a stage makes and what of it is public: private artifacts, names below folders, each with a tiny stage."""

import threading
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from toy_stages import ToyFacts, ToySettings, toy

from vlogd.core import files
from vlogd.core.model import Part, View
from vlogd.stages.contract import Stage, Work, check
from vlogd.stages.workspace import Workspace
from vlogd.storage.originals import Originals


def storyboard(work: Work[ToySettings], have: Set[str]) -> View:
    """A view whose stable names lie in a folder."""
    parts = sorted(name for name in have if name.startswith("part-"))
    names: dict[str, bytes | str] = {
        f"storyboard/{number:04}.txt": name for number, name in enumerate(parts, 1)
    }
    return View(names=names if work.complete else {})


def measure(_part: Part, ws: Workspace[ToySettings]) -> ToyFacts:
    """What the private stage does: write the file that the other one reads."""
    ws.deliver_bytes(ws.film.read_bytes(), "waveform.txt")
    return ToyFacts(1)


def stages(version: int = 1) -> tuple[Stage[Any], ...]:
    """A private stage, and one that reads it."""
    first = replace(
        toy("waveform"), private=True, run=measure, view=lambda _work, _have: View(facts={"loud": True})
    )
    return check(first, replace(toy("board", "waveform", version=version), view=storyboard))


def home_of(engine: Engine) -> Path:
    """The item's public folder."""
    return engine.root / "videos/film-1"


def paths(folder: Path) -> set[str]:
    """The files below a folder but for vlogd's documents."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith(".json")}


def test_a_private_artifact_is_read_and_not_published(tmp_path: Path) -> None:
    """Its facts are public, its files are not; another start finds it where it lies."""
    settings = {"waveform": ToySettings(parts=1), "board": ToySettings(parts=2)}
    engine = Engine(tmp_path, stages(), settings)
    engine.drop("1", "film")
    engine.run()
    (folder,) = home_of(engine).glob("board-*")
    assert "waveform" not in "".join(paths(home_of(engine)))
    assert len(list(engine.root.glob(".workshop/items/film-1/private/waveform-*/artifact.json"))) == 1
    assert paths(folder) == {"part-0.txt", "part-1.txt"}
    assert files.read_json(home_of(engine) / "video.json")["loud"] is True
    engine.close()
    again = Engine(tmp_path, stages(), settings)
    again.run()
    assert [type(event).__name__ for event in again.events] == []
    again.close()


def test_stable_names_may_be_paths(tmp_path: Path) -> None:
    """Those that are retired go, and a folder that is empty without them."""
    settings = {"waveform": ToySettings(parts=1), "board": ToySettings(parts=3)}
    engine = Engine(tmp_path, stages(), settings)
    engine.drop("1", "film")
    engine.run()
    document = files.read_json(home_of(engine) / "video.json")
    assert document["files"] == ["storyboard/0001.txt", "storyboard/0002.txt", "storyboard/0003.txt"]
    assert (home_of(engine) / "storyboard/0003.txt").read_bytes()
    engine.close()
    fewer = Engine(tmp_path, stages(), settings | {"board": ToySettings(parts=1)})
    fewer.run()
    assert paths(home_of(fewer) / "storyboard") == {"0001.txt"}
    fewer.close()
    none = Engine(tmp_path, (stages()[0], toy("board", "waveform", version=2)), settings)
    none.run()
    assert not (home_of(none) / "storyboard").exists()
    none.close()


def test_a_video_that_is_made_anew_is_announced_once(tmp_path: Path) -> None:
    """Ready at the drop; nothing at the next start; ready again when a new version of a stage is done."""
    settings = {"waveform": ToySettings(parts=1), "board": ToySettings()}
    engine = Engine(tmp_path, stages(), settings)
    engine.drop("1", "film")
    engine.run()
    assert [type(event).__name__ for event in engine.events].count("ItemReady") == 1
    engine.close()
    upgraded = Engine(tmp_path, stages(version=2), settings)
    upgraded.run()
    assert [type(event).__name__ for event in upgraded.events].count("ItemReady") == 1
    upgraded.close()


def told_too_much(version: int = 1, *, private: bool = False) -> tuple[Stage[Any], ...]:
    """A stage whose version 1 published a secret under a stable name, and one that other stages read."""
    return check(
        replace(toy("waveform"), private=private),
        replace(toy("board", "waveform", version=version), public_since=2 if version > 1 else 0),
    )


def public_names(engine: Engine) -> set[str]:
    """The names in the item's public folder, those of artifacts without their fingerprints."""
    return {path.name.rpartition("-")[0] or path.name for path in home_of(engine).iterdir()}


@pytest.mark.parametrize("has_original", [True, False])
def test_what_an_earlier_version_published_by_mistake_is_withdrawn(
    tmp_path: Path, has_original: bool
) -> None:
    """A stage became private, another published too much. Only that one runs again, and nothing if it cannot."""
    settings = {"waveform": ToySettings(parts=1), "board": ToySettings(parts=1)}
    engine = Engine(tmp_path, told_too_much(), settings)
    engine.drop("1", "film")
    engine.run()
    assert public_names(engine) == {"video.json", "waveform", "waveform.txt", "board", "board.txt"}
    (waveform,) = home_of(engine).glob("waveform-*/artifact.json")
    (old_board,) = home_of(engine).glob("board-*")
    made = waveform.read_bytes()
    if not has_original:
        (item,) = Originals(engine.originals).scan().items
        Originals(engine.originals).delete(item, threading.Event())
    engine.close()
    upgraded = Engine(tmp_path, told_too_much(2, private=True), settings)
    upgraded.run()
    private = engine.root / ".workshop/items/film-1/private"
    assert (private / waveform.parent.name / "artifact.json").read_bytes() == made
    assert not old_board.exists()
    if has_original:
        assert public_names(upgraded) == {"video.json", "board", "board.txt"}
        assert (home_of(upgraded) / "board.txt").read_bytes() == b"whole\npart-0.txt v2"
    else:
        assert public_names(upgraded) == {"video.json"}
        assert (private / old_board.name / "artifact.json").exists()
    document = files.read_json(home_of(upgraded) / "video.json")
    assert document["waveform"] == document["board"] == 1
    upgraded.close()
    again = Engine(tmp_path, told_too_much(2, private=True), settings)
    again.run()
    assert [type(event).__name__ for event in again.events] == []
    again.close()
