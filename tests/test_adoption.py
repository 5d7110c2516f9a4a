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

_SINCE: tuple[str, ...] = ("meta",)
"""Stages that 0.1.0 did not have or that have a new version, with what they publish: `("sha256", "sha256.txt")`.

`meta` published every tag of the file in 0.1.0, also where it was recorded; it is made again from what is known.
"""

_WITHDRAWN = ("probe", "verify", "meta")
"""Stages whose artifacts 0.1.0 put into the public tree, where they do not belong."""


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
        if not name.split("/")[2].startswith((*_SINCE, *_WITHDRAWN))
    }


def withdrawn(folder: Path) -> set[str]:
    """The folders of the artifacts of 0.1.0 that do not belong where they are."""
    return {path.name for path in folder.iterdir() if path.name.rpartition("-")[0] in _WITHDRAWN}


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_home_of_the_first_version_is_adopted(home: Path, journal: str) -> None:
    """Originals, library and journal are taken over, also when the journal is lost: no stage of 0.1.0 is run."""
    before = published(home)
    superseded = {name for name in before if "/stream-324dfac62bbc/" in name}
    (old_path,) = home.glob("library/videos/*/video.json")
    old = json.loads(old_path.read_text())
    if journal == "lost":
        (home / "state/journal.db").unlink()
    expected = withdrawn(old_path.parent)
    assert len(expected) == len(_WITHDRAWN)
    log = run_once(home)
    assert [name.partition("-")[0] for name in withdrawn(old_path.parent)] == ["meta"]
    assert withdrawn(old_path.parent).isdisjoint(expected)
    (private,) = (home / "library/.workshop/items").glob("*/private")
    assert {name for name in expected if not name.startswith("meta-")} <= withdrawn(private)
    assert "location" not in json.loads((old_path.parent / "meta.json").read_text())
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
    files = ({name for name in video["files"] if not name.startswith(_SINCE)} for video in (old, new))
    assert next(files) == next(files)
    listed = json.loads((home / "library/catalog.json").read_text())["videos"]
    assert [(row["slug"], row["status"]) for row in listed] == [(old["slug"], "ready")]
