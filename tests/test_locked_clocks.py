"""A wrong clock and a false date delete nothing."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home
from engine import ARTIFACT, Engine
from toy_stages import ToySettings, pipeline

from vlogd.core.events import OriginalRetired
from vlogd.storage.retention import Retention

DAY = 86_400.0
SETTINGS = {stage.name: ToySettings() for stage in pipeline()}
SIXTY_DAYS_AHEAD = f"import time\ntrue = time.time\ntime.time = lambda: true() + {60 * DAY}"
"""A fake: the wall clock."""


def keeping(home: Home, **values: object) -> None:
    """Set keys of the section `keeping`."""
    told = ", ".join(f"{key}: {value}" for key, value in values.items())
    home.config.write_text(
        re.sub(r"(?m)^keeping: .*\n", "", home.config.read_text()) + f"keeping: {{{told}}}\n"
    )


@pytest.mark.parametrize("attack", ["dates", "clock"])
def test_an_original_stays_for_its_thirty_days(tmp_path: Path, attack: str) -> None:
    """Every file of the library says 2001, as after a careless copy; or the wall clock jumps, and all starts anew."""
    home = Home(tmp_path)
    keeping(home, originals="delete", originals_days=30, trash_days=30)
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    if attack == "dates":
        paths = [str(path) for path in sorted(home.library.glob("videos/*/*-*/**/*"), reverse=True)]
        subprocess.run(["touch", "-d", "2001-01-01", *paths], check=True)
    for _ in range(3):
        done = home.once() if attack == "dates" else home.once_with(SIXTY_DAYS_AHEAD)
        assert done.returncode == 0
        assert len(list(home.folder.glob("originals/*/one.mp4"))) == 1


def test_a_jump_of_the_clock_empties_neither_trash_nor_failed(tmp_path: Path) -> None:
    """Nor do files with old dates, which whoever drops them chooses. `rm --now` is obeyed."""
    home = Home(tmp_path)
    keeping(home, trash_days=30, failed_days=30)
    stamped(home.inbox / "one.mp4", seconds=2)
    (home.inbox / "letter.mp4").write_text("no film\n")
    assert home.once().returncode == 1
    home.vlogd("rm", "one")
    assert home.once().returncode == 0
    os.utime(home.inbox / "_failed/letter.mp4", (0, 0))
    for _ in range(3):
        assert home.once_with(SIXTY_DAYS_AHEAD).returncode == 0
        assert len(list(home.folder.glob("originals/.trash/*/one.mp4"))) == 1
        assert len(list(home.library.glob(".workshop/trash/one-*/hls-*"))) == 1
        assert sorted(path.name for path in (home.inbox / "_failed").iterdir()) == [
            "letter.mp4",
            "letter.mp4.txt",
        ]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """One finished item, whose original is deleted after thirty days."""
    engine = Engine(
        tmp_path,
        pipeline(),
        SETTINGS,
        looks=False,
        retention=Retention(originals="delete", originals_seconds=30 * DAY),
    )
    engine.drop("item1", "film")
    engine.run()
    yield engine
    engine.close()


def look(engine: Engine, after_seconds: float = 3600.0) -> bool:
    """An hourly look: whether the original was deleted."""
    engine.now += after_seconds
    engine.events.clear()
    engine.controller.maintenance.look(engine.journal.items.ids())
    engine.run()
    return any(isinstance(event, OriginalRetired) for event in engine.events)


def original(engine: Engine) -> Path:
    """The original."""
    return engine.originals / "item1/film.txt"


def test_the_original_goes_at_the_second_look_after_thirty_days(engine: Engine) -> None:
    """Days in which vlogd ran."""
    assert not look(engine, 29 * DAY)
    assert not look(engine, DAY)
    assert original(engine).exists()
    assert look(engine)
    assert not original(engine).exists()
    assert (engine.root / "videos/film-item1/last.txt").exists()
    assert not look(engine)


def test_a_jump_between_two_looks_is_no_time(engine: Engine) -> None:
    """The wall clock is years ahead, and a lost document of the waiting times begins them anew."""
    engine.jump = 1000 * DAY
    for _ in range(3):
        assert not look(engine)
    assert original(engine).exists()


def test_the_original_stays_while_anything_of_its_video_is_not_whole(engine: Engine) -> None:
    """Its time is over, and a file was lost: it is made again first, and found whole."""
    assert not look(engine, 30 * DAY)
    (folder,) = engine.root.glob("videos/film-item1/left-*")
    (folder / "part-1.txt").unlink()
    look(engine)
    assert (folder / "part-1.txt").exists()
    assert (folder / ARTIFACT).exists()


def test_a_video_that_was_made_again_waits_again(engine: Engine) -> None:
    """Its original was due an hour before: nobody has seen yet whether the new stream is any good."""
    assert not look(engine, 30 * DAY)
    (folder,) = engine.root.glob("videos/film-item1/left-*")
    shutil.rmtree(folder)
    for days in (0, 1, 28):
        assert not look(engine, 3600.0 + days * DAY)
    assert (folder / ARTIFACT).exists()
    assert original(engine).exists()
    assert not look(engine, DAY)
    assert look(engine)


def test_a_clock_that_is_set_back_delays_nothing(tmp_path: Path) -> None:
    """A fake: at each call the wall clock is an hour earlier. A video is published, and a failed part is tried again."""
    home = Home(tmp_path)
    stamped(home.inbox / "one.mp4", seconds=2)
    back = "import itertools, time\ntrue, hours = time.time, itertools.count()\n"
    back += "time.time = lambda: true() - 3600 * next(hours)\n"
    back += "from vlogd.stages import probe\nfrom vlogd.core.errors import ToolFailed\nimport dataclasses\n"
    back += "from vlogd.stages import pipeline\nrun, failed = probe.STAGE.run, []\n"
    back += "def once(part, ws):\n    if not failed:\n        failed.append(1)\n        raise ToolFailed('It failed.')\n"
    back += "    return run(part, ws)\nobject.__setattr__(probe.STAGE, 'run', once)"
    done = home.once_with(back)
    assert done.returncode == 0, done.stderr
    assert "part.failed" in done.stderr
    assert [video["status"] for video in home.videos()] == ["ready"]
