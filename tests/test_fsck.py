"""`vlogd fsck` finds each kind of difference between journal, originals and library, and repairs what can be repaired."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from clips import stamped
from daemon import Home, kill, same_trees, tree, until

from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import sqlite_url


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one finished video."""
    home = Home(tmp_path)
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    return home


def findings(home: Home, *words: str) -> list[dict[str, Any]]:
    """What it says."""
    found: list[dict[str, Any]] = json.loads(home.vlogd("fsck", "--json", *words, check=False).stdout)
    return found


def segment(home: Home) -> Path:
    """A segment of the stream."""
    return next(home.library.glob("videos/*/hls-*/v*/*.m4s"))


def test_a_sound_home_has_no_findings(home: Home) -> None:
    """Also when every byte is read."""
    assert findings(home, "--deep") == []
    assert home.vlogd("fsck").returncode == 0


def test_damaged_outputs_are_made_again(home: Home) -> None:
    """A missing, a short and a silently altered file; the last is only found by reading it."""
    before = tree(home.library)
    path = segment(home)
    data = path.read_bytes()
    for damage, words in ((None, "is missing"), (data[:-7], "bytes instead of"), (data[:-1] + b"x", "")):
        path.unlink() if damage is None else path.write_bytes(damage)
        assert [words in one["sentence"] for one in findings(home)] == ([True] if words else [])
        assert [one["repaired"] for one in findings(home, "--deep", "--repair")] == [
            "vlogd makes it again when it runs"
        ]
        assert home.once().returncode == 0
        same_trees(tree(home.library), before)


def test_what_the_journal_does_not_know(home: Home) -> None:
    """A lost journal is begun anew and learns the items from their originals."""
    for path in (home.folder / "state").glob("journal.db*"):
        path.unlink()
    assert "missing" in findings(home)[0]["sentence"]
    mended = findings(home, "--repair")
    assert [one["repaired"] for one in mended] == ["a new one was started", "it was added"]
    assert findings(home) == []
    assert "part.started" not in home.once().stderr


def test_a_damaged_journal_is_set_aside(home: Home) -> None:
    """Garbage in place of the database costs nothing but the history."""
    for path in (home.folder / "state").glob("journal.db-*"):
        path.unlink()
    (home.folder / "state/journal.db").write_bytes(b"no database at all" * 1000)
    assert "damaged" in findings(home)[0]["sentence"]
    done = home.once()
    assert done.returncode == 0
    assert "journal.damaged" in done.stderr
    assert "part.started" not in done.stderr
    assert list((home.folder / "state").glob("journal-damaged-*.db"))


def test_originals_that_are_gone_or_altered(home: Home) -> None:
    """These are told; no program can mend them."""
    (original,) = home.folder.glob("originals/*/one.mp4")
    data = original.read_bytes()
    original.write_bytes(data[:-1] + b"x")
    assert findings(home) == []
    assert "has changed since it was dropped" in findings(home, "--deep", "--repair")[0]["sentence"]
    original.write_bytes(data[:-1])
    assert "bytes instead of" in findings(home)[0]["sentence"]
    original.unlink()
    assert "Drop the same file again" in findings(home)[0]["sentence"]
    for path in original.parent.iterdir():
        path.unlink()
    original.parent.rmdir()
    assert "its stream is there" in findings(home, "--repair")[0]["sentence"]


def test_strangers_and_leftovers(home: Home) -> None:
    """Half-written files go; a folder that belongs to nothing stays until it is named."""
    for name in ("somebody", "else"):
        (home.library / "videos" / name).mkdir()
    (home.library / "videos/.vlogd-new-1").write_text("half")
    assert len(findings(home)) == 3
    repaired = {one["where"]: one["repaired"] for one in findings(home, "--repair")}
    assert repaired == {
        "somebody": "",
        "else": "",
        str(home.library / "videos/.vlogd-new-1"): "it was deleted",
    }
    assert home.vlogd("fsck", "--strangers", "somebody", check=False).returncode == 2
    wrong = findings(home, "--repair", "--strangers", "somebody", "--strangers", "one")
    assert [one["repaired"] for one in wrong] == ["", "", ""]
    assert (home.library / "videos/somebody").is_dir()
    (moved, stays) = sorted(
        findings(home, "--repair", "--strangers", "somebody"), key=lambda one: not one["repaired"]
    )
    assert moved["mended"] == moved["repaired"]  # for scripts of earlier versions
    assert (moved["where"], stays["where"]) == ("somebody", "else")
    assert (home.library / ".workshop/trash/somebody").is_dir()
    assert (home.library / "videos/else").is_dir()


@pytest.mark.parametrize("document", [None, b"", b"{"])
def test_an_item_whose_document_and_journal_are_lost(document: bytes | None, home: Home) -> None:
    """Its video looks like a stranger's, and stays on the page; what is wrong is told."""
    (path,) = home.folder.glob("originals/*/.vlogd-item.json")
    path.unlink() if document is None else path.write_bytes(document)
    for journal in (home.folder / "state").glob("journal.db*"):
        journal.unlink()
    told = findings(home, "--repair")
    assert any(str(path.parent) in one["where"] + one["sentence"] for one in told)
    assert home.once().returncode == 0
    assert findings(home, "--repair")
    assert [video["title"] for video in home.videos()] == ["one"]
    assert segment(home).exists()


def test_an_archive_that_is_not_mounted(home: Home) -> None:
    """A damaged output stays, and nobody is told to drop what is only away."""
    archive = home.folder / "archive"
    home.config.write_text(
        home.config.read_text() + f"keeping: {{originals: archive, archive: {archive}, originals_days: 0}}\n"
    )
    for hours in range(2):
        assert home.once_later(hours).returncode == 0
    (archived,) = archive.glob("*/one.mp4")
    archive.rename(home.folder / "away")
    archive.mkdir()
    path = segment(home)
    path.write_bytes(path.read_bytes()[:-7])
    of_original, of_output = findings(home, "--repair")
    assert "It may be in the archive" in of_original["sentence"]
    assert "is its disk mounted" in of_original["sentence"]
    assert "left as it is" in of_output["sentence"]
    assert path.exists()
    assert not archived.exists()


def test_it_does_not_repair_under_a_running_daemon(home: Home) -> None:
    """Looking is allowed, mending is not."""
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    try:
        assert findings(home) == []
        refused = home.vlogd("fsck", "--repair", check=False)
    finally:
        kill(daemon)
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr


def test_a_locked_journal_is_not_a_damaged_one(home: Home) -> None:
    """A backup program holds the database: vlogd goes on, and what it had to say is written afterwards."""
    holder = sqlite3.connect(home.folder / "state/journal.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    stamped(home.inbox / "two.mp4", seconds=3)
    daemon = home.start()
    try:
        until(lambda: [video["title"] for video in home.videos() if video["status"] == "ready"].count("two"))
        assert "journal.waits" in home.logged()
        assert "journal.damaged" not in home.logged()
        holder.execute("ROLLBACK")
        holder.close()
        stamped(home.inbox / "three.mp4", seconds=4)
        until(lambda: len(home.status()["videos"]) == 3)
    finally:
        kill(daemon)
    journal = Journal(sqlite_url(home.folder / "state/journal.db"), read_only=True)
    assert {item.title for item in journal.items.all()} == {"one", "two", "three"}
    journal.close()


def test_without_its_original_nothing_is_thrown_away(home: Home) -> None:
    """A stream with a damaged file is better than none."""
    path = segment(home)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (original,) = home.folder.glob("originals/*/one.mp4")
    original.unlink()
    said = [one["sentence"] for one in findings(home, "--deep", "--repair")]
    assert any("left as it is" in one for one in said)
    assert path.exists()


def test_an_unknown_key_keeps_an_item_alive(home: Home) -> None:
    """A newer version or a person put it there; the item stays known, also when the journal is lost."""
    (document,) = home.folder.glob("originals/*/.vlogd-item.json")
    document.write_text(json.dumps({**json.loads(document.read_text()), "rating": 5}))
    for path in (home.folder / "state").glob("journal.db*"):
        path.unlink()
    assert [one["sentence"] for one in findings(home)] == ["It is missing; vlogd rebuilds it when it starts."]
    assert home.once().returncode == 0
    assert [video["title"] for video in home.videos()] == ["one"]


def test_originals_that_are_not_mounted(home: Home) -> None:
    """With the state folder lost as well, an empty mount point is no reason to throw the library away."""
    shutil.rmtree(home.folder / "state")
    originals = (home.folder / "originals").rename(home.folder / "away")
    (home.folder / "originals").mkdir()
    before = tree(home.library)
    (found,) = findings(home, "--repair")
    assert "is its disk mounted" in found["sentence"]
    refused = home.once()
    assert refused.returncode == 1
    assert "is its disk mounted" in refused.stderr
    assert tree(home.library) == before
    (home.folder / "originals").rmdir()
    originals.rename(home.folder / "originals")
    again = home.once()
    assert again.returncode == 0
    assert "part.started" not in again.stderr
