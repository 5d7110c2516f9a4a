"""The catalogue is written seldom enough, and always in the end."""

import itertools
import json
from pathlib import Path

import pytest
from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.stages.contract import check

_WRITE_SECONDS = 2.0


def test_a_large_catalogue_is_written_a_twentieth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a write that took two seconds, the next one begins at least forty seconds later.

    No real time passes: the engine's clock is a fake that each job moves on, and the duration of a write is made up.
    """
    engine = Engine(tmp_path, check(toy("first")), {"first": ToySettings(parts=30)}, job_seconds=1.5)
    write = engine.library_worker.write_catalog
    written_at: list[float] = []

    def write_slowly() -> float:
        write()
        written_at.append(engine.now)
        return _WRITE_SECONDS

    monkeypatch.setattr(engine.library_worker, "write_catalog", write_slowly)
    for number in range(4):
        engine.drop(f"{number:04d}", str(number))
    engine.run()
    pauses = [later - earlier for earlier, later in itertools.pairwise(written_at)]
    assert len(pauses) > 1
    assert min(pauses) >= 20 * _WRITE_SECONDS
    rows = json.loads((engine.root / "catalog.json").read_text())["videos"]
    assert [row["status"] for row in rows] == ["ready"] * 4
    engine.close()


def test_rows_that_were_published_before_stay(tmp_path: Path) -> None:
    """Another life of the daemon writes what it shows itself and what it finds, without looking at everything first."""
    first = Engine(tmp_path, check(toy("first")), {"first": ToySettings()})
    first.drop("0001", "a")
    first.run()
    first.journal.items.remove("0001")
    (tmp_path / "originals/0001").rename(tmp_path / "aside")
    first.close()
    second = Engine(tmp_path, check(toy("first")), {"first": ToySettings()})
    second.drop("0002", "b")
    second.run()
    rows = json.loads((second.root / "catalog.json").read_text())["videos"]
    assert {row["id"] for row in rows} == {"0001", "0002"}
    second.close()
