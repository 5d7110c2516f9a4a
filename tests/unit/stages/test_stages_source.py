"""The stage `source`, with a made-up kind of source that goes through the real engine. Copy it to add a real one."""

import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from engine import Engine

from vlogd.core.model import Composition, File, Item, Link, Part, View
from vlogd.core.settings import NoSettings
from vlogd.engine.survey import survey
from vlogd.stages import source
from vlogd.stages.contract import Stage, Work, check
from vlogd.stages.facts import NoFacts
from vlogd.stages.pipeline import STAGES
from vlogd.stages.workspace import Workspace
from vlogd.storage.originals import Originals


def fetch(link: Link, ws: Workspace[NoSettings], target: Path) -> None:
    """The film of a made-up address is what stands behind its colon."""
    ws.report_progress(0.5)
    target.write_text(link.url.partition(":")[2])


def parts(_work: Work[NoSettings]) -> Sequence[Part]:
    """One."""
    return (Part("copy"),)


def run(_part: Part, ws: Workspace[NoSettings]) -> NoFacts:
    """What every stage does: read the film."""
    ws.deliver_bytes(ws.film.read_bytes(), "seen.txt")
    return NoFacts()


def view(work: Work[NoSettings], _have: Set[str]) -> View:
    """The finished file."""
    return View(names={"seen.txt": "seen.txt"}) if work.complete else View()


SEEN = Stage("seen", 1, parts, run, needs=("source",), view=view)
PIPELINE = check(source.stage({Link: fetch}), SEEN)


def publish(home: Path, item_source: Any, stages: Sequence[Stage[Any]] = PIPELINE) -> Path:
    """An item with that source, worked on until nothing is left to do; its public folder."""
    engine = Engine(home, stages, {"source": NoSettings(), "seen": NoSettings()})
    item = Item("0001", "a film", "film-0001", "main", item_source, "digest", 0, engine.now)
    folder = engine.originals / item.id
    folder.mkdir()
    Originals(engine.originals).write_item(folder, item)
    if isinstance(item_source, File):
        (engine.originals / item_source.original).write_text("dropped")
    engine.controller.accept(item)
    engine.run()
    engine.close()
    return engine.root / "videos" / item.slug


def document(home: Path) -> Any:
    """The `video.json` of a public folder."""
    return json.loads((home / "video.json").read_text())


def test_a_film_that_is_fetched_is_read_as_if_it_had_been_dropped(tmp_path: Path) -> None:
    """The other stages read it; it lies in no public folder."""
    home = publish(tmp_path, Link("made-up:hello"))
    assert document(home)["status"] == "ready"
    assert (home / "seen.txt").read_text() == "hello"
    assert set(document(home)["stages"]) == {"source", "seen"}
    films = list((tmp_path / "library").rglob("film"))
    assert [film.read_text() for film in films] == ["hello"]
    assert home not in films[0].parents
    assert (tmp_path / "library/.workshop") in films[0].parents


def test_a_dropped_file_is_the_film_itself(tmp_path: Path) -> None:
    """Nothing is copied, no recipe has another input, and no report names the stage."""
    home = publish(tmp_path, File("0001/film.txt"))
    assert (home / "seen.txt").read_text() == "dropped"
    assert set(document(home)["stages"]) == {"seen"}
    assert not list((tmp_path / "library").rglob("film"))
    (artifact,) = home.glob("seen-*/artifact.json")
    assert json.loads(artifact.read_text())["recipe"]["inputs"] == {}


def test_a_kind_that_nobody_can_fetch_is_told(tmp_path: Path) -> None:
    """An item of a newer version parks with a sentence."""
    home = publish(tmp_path, Composition({}))
    assert document(home)["status"] == "failed"
    assert document(home)["error"] == (
        "This version of vlogd cannot make a video from a composition; install a newer one."
    )


def test_a_pipeline_that_can_fetch_begins_with_the_film() -> None:
    """Everything else waits for it."""
    item = Item("1", "a", "a", "main", Link("made-up:a"), "digest", 1, 0.0)
    found = survey(item, STAGES, {stage.name: stage.settings() for stage in STAGES}, ())
    assert [step.stage.name for step in found.steps] == ["source"]
    assert found.waiting["probe"] == "source"
