"""The catalogue is written seldom enough, and always in the end."""

import itertools
import json
from pathlib import Path

import pytest
from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.engine.library_worker import LibraryWorker
from vlogd.stages.contract import check

_TAKES_SECONDS = 2.0


def test_a_large_catalogue_takes_a_twentieth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a catalogue that takes two seconds (a fake: so it says), forty pass before it is written again."""
    written: list[float] = []
    write = LibraryWorker.write_catalog

    def slow(library_worker: LibraryWorker) -> float:
        write(library_worker)
        written.append(engine.now)
        return _TAKES_SECONDS

    monkeypatch.setattr(LibraryWorker, "write_catalog", slow)
    engine = Engine(tmp_path, check(toy("first")), {"first": ToySettings(parts=30)}, job_seconds=1.5)
    for number in range(4):
        engine.drop(f"{number:04d}", str(number))
    engine.run()
    pauses = [later - earlier for earlier, later in itertools.pairwise(written)]
    assert len(pauses) > 1
    assert min(pauses) >= 20 * _TAKES_SECONDS
    rows = json.loads((engine.root / "catalog.json").read_text())["videos"]
    assert [row["status"] for row in rows] == ["ready"] * 4
    engine.close()


def test_rows_that_were_published_before_stay(tmp_path: Path) -> None:
    """Another life of the daemon writes what it shows itself and what it finds, without looking at everything first."""
    first = Engine(tmp_path, check(toy("first")), {"first": ToySettings()})
    first.drop("0001", "a")
    first.run()
    first.journal.remove_item("0001")
    (tmp_path / "originals/0001").rename(tmp_path / "aside")
    first.close()
    second = Engine(tmp_path, check(toy("first")), {"first": ToySettings()})
    second.drop("0002", "b")
    second.run()
    rows = json.loads((second.root / "catalog.json").read_text())["videos"]
    assert {row["id"] for row in rows} == {"0001", "0002"}
    second.close()
