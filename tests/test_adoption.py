"""A home that version 0.1.0 made is gone on with as it is: nothing is encoded, nothing that viewers have changes."""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from daemon import DATA, tree

_DERIVED = ("video.json", "catalog.json")
"""Written by each version in its own way; the test looks into them separately."""

_SINCE: tuple[str, ...] = ()
"""Stages that 0.1.0 did not have and that existing videos get, with what they publish: `("sha256", "sha256.txt")`."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home as 0.1.0 left it."""
    with tarfile.open(DATA / "home-0.1.0.tar.xz") as archive:
        archive.extractall(tmp_path)  # noqa: S202 - our own archive; Python 3.11.2 has no filters
    return tmp_path


def run_once(home: Path) -> str:
    """`vlogd run --once`; what it logged."""
    command = [sys.executable, "-m", "vlogd", "--config", home / "vlogd.yaml", "run", "--once"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=DATA)
    assert run.returncode == 0, run.stderr
    return run.stderr


def published(home: Path) -> dict[str, bytes]:
    """The bytes that viewers get, but for derived documents and what only vlogd itself reads."""
    return {
        name: data
        for name, data in tree(home / "library").items()
        if name.startswith("videos/") and not name.endswith((*_DERIVED, "artifact.json", "view.json"))
        if not name.split("/")[2].startswith(_SINCE)
    }


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_home_of_the_first_version_is_adopted(home: Path, journal: str) -> None:
    """Originals, library and journal are taken over, also when the journal is lost: no stage of 0.1.0 is run."""
    before = published(home)
    superseded = {name for name in before if "/stream-324dfac62bbc/" in name}
    (old_path,) = home.glob("library/videos/*/video.json")
    old = json.loads(old_path.read_text())
    if journal == "lost":
        (home / "state/journal.db").unlink()
    log = run_once(home)
    assert set(re.findall(r"part\.started .*stage=(\w+)", log)) <= set(_SINCE)
    assert {name: data for name, data in published(home).items() if name not in superseded} == {
        name: data for name, data in before.items() if name not in superseded
    }
    (new_path,) = home.glob("library/videos/*/video.json")
    new = json.loads(new_path.read_text())
    kept = (
        "id",
        "slug",
        "title",
        "status",
        "playable",
        "stream",
        "captions",
        "renditions",
        "added_at",
        "ready_at",
    )
    assert {key: new[key] for key in kept} == {key: old[key] for key in kept}
    assert {name for name in new["files"] if not name.startswith(_SINCE)} == set(old["files"])
    listed = json.loads((home / "library/catalog.json").read_text())["videos"]
    assert [(row["slug"], row["status"]) for row in listed] == [(old["slug"], "ready")]
