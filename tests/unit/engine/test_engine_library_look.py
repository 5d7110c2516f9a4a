"""A look at the library: what is unchanged costs a batch and nothing else, and what changed is noticed."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from toy_stages import ToySettings, pipeline

from vlogd.core.model import Verified
from vlogd.storage.originals import Originals

ITEMS = 3
SETTINGS = {stage.name: ToySettings() for stage in pipeline()}


def started(home: Path, settings: Any = None) -> Engine:
    """An engine, and no look yet."""
    return Engine(home, pipeline(), settings or SETTINGS, looks=False)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Three finished items."""
    engine = started(tmp_path)
    for number in range(ITEMS):
        engine.drop(f"item{number}", f"film {number}")
    engine.run()
    assert len(engine.journal.verified.all()) == ITEMS
    yield engine
    engine.close()


def look(engine: Engine) -> tuple[int, list[str]]:
    """Look at everything and do what there is to do: the number of jobs, and the events."""
    engine.events.clear()
    engine.controller.maintenance.look(engine.journal.items.ids())
    return engine.run(), [type(event).__name__ for event in engine.events]


def documents(engine: Engine) -> list[int]:
    """When the published documents were written last."""
    return [path.stat().st_mtime_ns for path in sorted(engine.root.glob("videos/*/video.json"))]


def test_what_is_unchanged_costs_one_job_for_all(engine: Engine, tmp_path: Path) -> None:
    """Nothing is published or logged, at a look and after another start."""
    before = documents(engine)
    assert look(engine) == (1, [])
    engine.close()
    again = started(tmp_path)
    assert look(again) == (1, [])
    assert documents(again) == before
    again.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / "first.txt").unlink(),
        lambda home: (home / "video.json").unlink(),
        lambda home: next(home.glob("left-*/part-1.txt")).unlink(),
        lambda home: next(home.glob("last-*")).rename(home / "elsewhere"),
        lambda home: home.rename(home.parent / ".elsewhere"),
    ],
    ids=["stable name", "document", "file", "folder", "video"],
)
def test_what_somebody_took_away_is_made_again(engine: Engine, damage: Callable[[Path], None]) -> None:
    """Of that video only; the next look finds nothing more to do."""
    home = engine.root / "videos/film-item1"
    names = {path.name for path in home.iterdir()}
    damage(home)
    assert look(engine)[0] > 1
    assert {path.name for path in home.iterdir()} - {"elsewhere"} == names
    assert look(engine) == (1, [])


def test_what_is_left_of_a_stage_that_cannot_be_made_again_is_kept(engine: Engine) -> None:
    """The original was deleted on purpose: what one file is missing of is not swept, and is whole when that is restored."""
    item = engine.journal.items.get("item1")
    assert item is not None
    assert Originals(engine.originals).delete(item, threading.Event())
    home = engine.root / "videos/film-item1"
    (part,) = home.glob("left-*/part-1.txt")
    data, rest = part.read_bytes(), sorted(part.parent.iterdir())
    part.unlink()
    assert look(engine)[0] > 1
    assert sorted([*part.parent.iterdir(), part]) == rest
    part.write_bytes(data)
    assert look(engine)[0] > 1
    assert (home / "left.txt").exists()
    assert look(engine) == (1, [])


def test_a_changed_setting_is_noticed(engine: Engine, tmp_path: Path) -> None:
    """Of all items that have it."""
    engine.close()
    again = started(tmp_path, SETTINGS | {"last": ToySettings(word="b")})
    jobs, events = look(again)
    assert events.count("StepWanted") == ITEMS
    assert jobs > ITEMS
    assert look(again) == (1, [])
    again.close()


def test_a_library_that_moved_is_filled(engine: Engine, tmp_path: Path) -> None:
    """The folders of the earlier one are still there, and unchanged."""
    engine.close()
    second = tmp_path / "second"
    second.mkdir()
    for name in ("state", "originals"):
        (second / name).symlink_to(tmp_path / name)
    again = started(second)
    assert look(again)[0] > ITEMS
    assert len(documents(again)) == ITEMS
    again.close()


def test_a_folder_that_cannot_be_read_holds_up_no_other_video(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own video is surveyed, what was taken away of another one is made (a fake: the disk's answer)."""
    stat = os.stat

    def failing(path: Any, *args: Any, **more: Any) -> os.stat_result:
        if path == str(engine.root / "videos/film-item1"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return stat(path, *args, **more)

    (engine.root / "videos/film-item0/first.txt").unlink()
    monkeypatch.setattr(os, "stat", failing)
    events = look(engine)[1]
    assert events == []
    assert (engine.root / "videos/film-item0/first.txt").exists()


def test_items_that_nothing_is_known_of_are_surveyed(engine: Engine, tmp_path: Path) -> None:
    """The journal was lost: no part is run, no event says that they are ready, and the next look knows them."""
    engine.close()
    for path in (tmp_path / "state").glob("journal.db*"):
        path.unlink()
    again = started(tmp_path)
    jobs, events = look(again)
    assert jobs > ITEMS
    assert events == []
    assert look(again) == (1, [])
    again.close()


def test_a_new_drop_overtakes_a_look(engine: Engine) -> None:
    """It waits for one batch at most, of a thousand items that are gone (fakes: rows of the journal)."""
    gone = [f"gone{number}" for number in range(1000)]
    engine.journal.verified.set([Verified(item_id, "not a mark", None) for item_id in gone])
    engine.controller.maintenance.look(gone)
    engine.drop("item9", "new")
    engine.run(most_jobs=3)
    assert [state.item.id for state in engine.controller.items if state.survey] == ["item9"]
    engine.run()
    assert (engine.root / "videos/film-item9/last.txt").exists()


def test_an_item_that_is_due_is_looked_at(engine: Engine) -> None:
    """A sweep is due (a fake: the journal says so)."""
    (row,) = [row for row in engine.journal.verified.all().values() if row.item_id == "item1"]
    assert row.ready_at is not None
    mark = row.mark.replace(",null,", ",1.0,", 1)
    assert mark != row.mark
    engine.journal.verified.set([Verified("item1", mark, row.ready_at)])
    assert look(engine)[0] > 1
    assert engine.journal.verified.all()["item1"] == row
