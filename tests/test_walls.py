"""A tool that a file has taken over can do nothing but spoil its own part: the real daemon, and a program that tries."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import intruder
import pytest
from clips import stamped
from daemon import Home, until

from vlogd.media.sandbox.walls import walls

pytestmark = pytest.mark.skipif(
    not Path(intruder.PYTHON).exists(), reason="there is no Python of the distribution's"
)

_LISTENING = f"vlogd-test-{os.getpid()}"
_OF_FILES = re.compile(
    r"(read|write to|truncate|rename|list|make a (file|folder|link) in) (the environment|the memory|/)"
)
"""Attempts that Landlock alone refuses."""


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Addresses at which somebody listens, here this test."""
    tcp = socket.create_server(("127.0.0.1", 0))
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "socket"))
    abstract.bind(f"\0{_LISTENING}")
    for one in (unix, abstract):
        one.listen()
    yield {"port": tcp.getsockname()[1], "socket": str(tmp_path / "socket"), "abstract": f"\0{_LISTENING}"}
    for one in (tcp, unix, abstract):
        one.close()


def test_a_decoder_that_was_taken_over_gains_nothing(tmp_path: Path, listening: dict[str, Any]) -> None:
    """Nothing of the machine, of vlogd or of other videos is read, written, reached or signalled; it is told in one sentence."""
    home = Home(tmp_path / "home")
    stamped(home.inbox / "good.mp4", seconds=2)
    assert home.once().returncode == 0
    (good,) = home.folder.glob("originals/*/good.mp4")
    (published,) = home.library.glob("videos/*/video.json")
    state = home.folder / "state"
    treasures = {
        **listening,
        "reads": [
            "/etc/passwd",
            "/etc/shadow",
            *map(str, (good, home.config, state / "journal.db", home.log)),
        ],
        "writes": [str(path) for path in (good, published.resolve(), state / "journal.db", home.config)],
        "folders": [
            str(path)
            for path in (good.parent, published.parent, home.inbox, home.library, state, state / "scratch")
        ],
    }
    intruder.put(tmp_path / "bin", "evil.mp4", "libx264", treasures)
    before = {path: (path.read_bytes(), path.stat().st_mode) for path in (good, published)}
    daemon = home.start(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}", VLOGD_SECRET="told to nobody")  # noqa: S106 - a made-up one
    stamped(tmp_path / "evil.mp4", seconds=4).rename(home.inbox / "evil.mp4")
    stamped(tmp_path / "other.mp4", seconds=3).rename(home.inbox / "other.mp4")
    until(lambda: "step.parked" in home.logged(), 60)
    states = until(lambda: _states(home) if _states(home).get("other") == "ready" else None)
    daemon.terminate()
    assert daemon.wait(15) == 0
    shown = home.vlogd("show", "evil").stdout
    could = set(re.findall(r"could ([^\n]*[^\s│])", shown))
    assert re.search(r"tried \d\d", shown), shown
    if not walls().landlock_abi:
        could = {one for one in could if not _OF_FILES.match(one)}
    assert could == set()
    assert states == {"good": "ready", "evil": "failed", "other": "ready"}
    (why,) = set(re.findall(r'step\.parked .*why="([^"]*)"', home.logged()))
    assert why.startswith("ffmpeg asked for something that it may not touch.")
    assert {path: (path.read_bytes(), path.stat().st_mode) for path in before} == before


def _states(home: Home) -> dict[str, str]:
    return {video["title"].lower(): video["status"] for video in home.videos()}
