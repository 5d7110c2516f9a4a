"""What cannot be made again is never deleted: lost files, damaged documents, a disk that is wrong once."""

import errno
import json
import os
import threading
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clips import stamped
from daemon import Home, tree
from engine import ARTIFACT, Engine, published
from toy_stages import ToyFacts, ToySettings, pipeline, toy

from vlogd.core import files
from vlogd.core.errors import BadInput
from vlogd.core.model import Part, View
from vlogd.engine.state import RemovalRequest
from vlogd.stages.contract import Work, check
from vlogd.stages.workspace import Workspace
from vlogd.storage.library_documents import VIEW
from vlogd.storage.originals import Originals

SETTINGS = {stage.name: ToySettings() for stage in pipeline()}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """One finished item."""
    engine = Engine(tmp_path, pipeline(), SETTINGS, looks=False)
    engine.drop("item1", "film")
    engine.run()
    assert "item1" in engine.journal.verified.all()
    yield engine
    engine.close()


def look(engine: Engine) -> list[str]:
    """Look at everything twice, as two hourly looks do: the names of the events."""
    engine.events.clear()
    for _ in range(2):
        engine.controller.maintenance.look(engine.journal.items.ids())
        engine.run()
    return [type(event).__name__ for event in engine.events]


def home_of(engine: Engine) -> Path:
    """The item's public folder."""
    return engine.root / "videos/film-item1"


def lose_original(engine: Engine, how: str) -> None:
    """It was deleted on purpose, or is simply not there."""
    item = engine.journal.items.get("item1")
    assert item is not None
    if how == "deleted":
        assert Originals(engine.originals).delete(item, threading.Event())
    else:
        (engine.originals / item.original).unlink()


@pytest.mark.parametrize("how", ["deleted", "missing"])
@pytest.mark.parametrize("lost", ["part-1.txt", "left.txt", VIEW, ARTIFACT])
def test_one_lost_file_takes_nothing_with_it(engine: Engine, lost: str, how: str) -> None:
    """Nothing of the video is swept, no name goes from its page, and what is missing is told with what to do."""
    lose_original(engine, how)
    (folder,) = home_of(engine).glob("left-*")
    data = (folder / lost).read_bytes()
    (folder / lost).unlink()
    before = published(engine.root)
    events = look(engine)
    after = published(engine.root)
    assert {name: data for name, data in after.items() if name in before} == before
    video = json.loads((home_of(engine) / "video.json").read_text())
    assert video["files"] == ["first.txt", "last.txt", "left.txt", "right.txt"]
    if how == "deleted" or lost != ARTIFACT:
        assert "ItemDamaged" in events
    if how == "deleted":
        assert (video["status"], video["left"]) == ("failed", 3)
        assert "Restore them from a backup" in video["error"]
        assert lost in video["error"] or lost == ARTIFACT
    (folder / lost).write_bytes(data)
    engine.controller.retry("item1")
    look(engine)
    assert json.loads((home_of(engine) / "video.json").read_text())["status"] == "ready"


@pytest.mark.parametrize("name", [ARTIFACT, VIEW])
def test_a_document_of_a_newer_format_is_left_alone(engine: Engine, name: str) -> None:
    """Nothing is swept, run or published, with the original there; a sentence says what to do."""
    (folder,) = home_of(engine).glob("left-*")
    newer = files.read_json(folder / name) | {"format": 99}
    files.write_whole(folder / name, files.json_bytes(newer))
    before = published(engine.root)
    events = look(engine)
    assert published(engine.root) == before
    assert set(events) == {"LibraryUnavailable"}
    assert "install a newer vlogd" in str(engine.events)
    assert engine.controller.failed_items == {"item1"}


@pytest.mark.parametrize("name", [ARTIFACT, VIEW])
def test_a_damaged_document_of_what_cannot_be_made_again(engine: Engine, name: str) -> None:
    """Nothing is swept and no name goes; a sentence names the file."""
    lose_original(engine, "deleted")
    (folder,) = home_of(engine).glob("left-*")
    (folder / name).write_text("{")
    before = published(engine.root)
    events = look(engine)
    assert published(engine.root) == before
    assert "LibraryUnavailable" in events
    assert "Bug" not in events
    assert f"{name} cannot be understood" in str(engine.events)


def wrong_once(monkeypatch: pytest.MonkeyPatch, function: str, path: str, error: int, calls: int) -> None:
    """A fake: while an item is read once, a network file system says that `path` is not there, or cannot be read."""
    true, left = getattr(os, function), [path] * calls

    def wrong(asked: Any = ".", *args: Any, **more: Any) -> Any:
        if str(asked) in left:
            left.pop()
            raise OSError(error, os.strerror(error), path)
        return true(asked, *args, **more)

    monkeypatch.setattr(os, function, wrong)


@pytest.mark.parametrize("original", ["here", "deleted"])
@pytest.mark.parametrize(
    ("function", "below"),
    [("scandir", ""), ("stat", "/part-1.txt")],
    ids=["listing", "file"],
)
@pytest.mark.parametrize("error", [errno.ENOENT, errno.EIO])
def test_one_wrong_answer_of_a_disk_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, function: str, below: str, original: str, error: int
) -> None:
    """No part is run, nothing is swept, no name goes: the disk is asked again."""
    if original == "deleted":
        lose_original(engine, "deleted")
    (folder,) = home_of(engine).glob("left-*")
    os.utime(home_of(engine))  # something changed, so that the item is read
    before = published(engine.root)
    document = (home_of(engine) / "video.json").read_bytes()
    path = str(folder) + below if below else str(home_of(engine))
    wrong_once(monkeypatch, function, path, error, calls=2 if function == "scandir" else 1)
    events = look(engine)
    assert published(engine.root) == before
    assert (home_of(engine) / "video.json").read_bytes() == document
    assert set(events) <= {"LibraryUnavailable"}


def test_an_earlier_artifact_is_kept_while_its_successor_lacks_a_file(engine: Engine, tmp_path: Path) -> None:
    """The successor is whole when it is published, and lost a file when the earlier one is to be swept."""
    (earlier,) = home_of(engine).glob("last-*")
    engine.close()
    again = Engine(tmp_path, pipeline(), SETTINGS | {"last": ToySettings(word="b")}, looks=False)
    again.controller.maintenance.look(again.journal.items.ids())
    worker = again.controller.maintenance._verification
    mark = worker.sweep_and_mark

    def losing(*args: Any) -> Any:
        for folder in home_of(again).glob("last-*"):
            if folder != earlier:
                (folder / "part-0.txt").unlink(missing_ok=True)
        return mark(*args)

    worker.sweep_and_mark = losing  # type: ignore[method-assign]
    again.run()
    assert (earlier / ARTIFACT).exists()
    again.close()


def test_a_stable_name_that_goes_before_the_mark_is_noticed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted after it was published, and before the item's state was remembered: the next look makes it again."""
    name = home_of(engine) / "first.txt"
    name.unlink()
    worker = engine.controller.maintenance._verification
    mark = worker.sweep_and_mark

    def losing(*args: Any) -> Any:
        name.unlink(missing_ok=True)
        return mark(*args)

    monkeypatch.setattr(worker, "sweep_and_mark", losing)
    engine.controller.maintenance.look(["item1"])
    engine.run()
    assert not name.exists()
    monkeypatch.undo()
    look(engine)
    assert name.exists()


def test_a_lost_segment_of_a_stream_whose_original_was_deleted(tmp_path: Path) -> None:
    """The stream stays on its page and in its folder; `vlogd show` and `status` say what is lost and what to do."""
    home = Home(tmp_path)
    stamped(home.inbox / "one.mp4", seconds=4)
    assert home.once().returncode == 0
    originals = Originals(home.folder / "originals")
    (item,) = originals.scan().items
    originals.delete(item, threading.Event())
    segment = next(home.library.glob("videos/*/hls-*/v*/*.m4s"))
    segment.unlink()
    before = tree(home.library)
    for _ in range(2):
        done = home.once()
        assert "item.damaged" in done.stderr
        assert "part.started" not in done.stderr
    after = tree(home.library)
    assert {name for name in before if name not in after} == set()
    assert {name for name in before if before[name] != after[name]} <= {
        name for name in before if name.endswith(("video.json", "catalog.json"))
    }
    (video,) = home.videos()
    assert video["playable"]
    assert video["stream"] == "master.m3u8"
    assert segment.name in home.vlogd("show", "one").stdout
    assert "Restore them from a backup" in home.status()["videos"][0]["error"]


def failing_last_part(part: Part, ws: Workspace[ToySettings]) -> ToyFacts:
    """The source is damaged near its end."""
    if part.name == "part-2":
        raise BadInput("The film is damaged.")
    ws.deliver_bytes(part.name.encode(), f"{part.name}.txt")
    return ToyFacts(1)


def growing(_work: Work[ToySettings], have: Set[str]) -> View:
    """What can be watched so far has a stable name."""
    return View(names={"stream.txt": " ".join(sorted(have)).encode()})


def test_what_can_be_watched_of_a_failed_video_survives_a_restart(tmp_path: Path) -> None:
    """Its parked step is read, too: its finished parts keep their stable name."""
    stages = check(replace(toy("stream"), run=failing_last_part, view=growing))
    engine = Engine(tmp_path, stages, {"stream": ToySettings()})
    engine.drop("item1", "film")
    engine.run()
    name = home_of(engine) / "stream.txt"
    before = name.read_bytes()
    assert b"part-0.txt part-1.txt" in before
    engine.close()
    again = Engine(tmp_path, stages, {"stream": ToySettings()})
    again.run()
    assert name.read_bytes() == before
    again.close()


def test_a_removal_that_meets_an_unexpected_error_is_tried_again(engine: Engine) -> None:
    """A fake: the library's worker has a bug once. The request is answered, and the video is in the trash."""
    remove, answered = engine.library_worker.remove, []

    def failing(*_args: Any) -> None:
        engine.library_worker.remove = remove  # type: ignore[method-assign]
        raise RuntimeError("a bug")

    engine.library_worker.remove = failing  # type: ignore[method-assign]
    item = engine.journal.items.get("item1")
    assert item is not None
    engine.controller.remove(item, RemovalRequest(4e9, lambda: answered.append(True)))
    for _ in range(2):
        engine.run()
        engine.now += 100
    assert answered == [True]
    assert not home_of(engine).exists()
