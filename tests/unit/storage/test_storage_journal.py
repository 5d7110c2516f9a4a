"""The journal's file over the years: every earlier schema is brought up to date, a newer one is left alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from vlogd.core.errors import Unavailable
from vlogd.core.model import Artifact, Attempt, Composition, File, Item, LeftFile, Link, Source, Verified
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import SCHEMA, Damaged, sqlite_url

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A new one."""
    with closing(Journal(sqlite_url(tmp_path / "journal.db"))) as journal:
        yield journal


def item(item_id: str = "00aa", source: Source | None = None, accepted_at: float = 1e9) -> Item:
    """An item; its slug ends in the id, as all do."""
    source = File(f"{item_id}/film.mp4") if source is None else source
    return Item(item_id, "A film", f"a-film-{item_id}", "main", source, "d1", 123, accepted_at)


def attempt(item_id: str = "00aa", sentence: str = "It failed.") -> Attempt:
    """A failure."""
    return Attempt(item_id, "hls", "f1", "video-0001", "ToolFailed", sentence, "last line", 1e9)


def schema(path: Path) -> set[str]:
    """What SQLite says of the tables and indexes."""
    with closing(sqlite3.connect(path)) as database:
        return {row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


@pytest.mark.parametrize("version", range(SCHEMA + 1))
def test_every_earlier_schema_is_upgraded(version: int, tmp_path: Path) -> None:
    """From files as they were written then; what they held is still known."""
    path = tmp_path / "journal.db"
    if version:
        with closing(sqlite3.connect(path)) as database:
            database.executescript((DATA / f"journal-{version}.sql").read_text())
    Journal(sqlite_url(tmp_path / "fresh.db")).close()
    journal = Journal(sqlite_url(path))
    assert journal.is_sound()
    assert list(journal.items.all()) == ([item()] if version else [])
    assert journal.attempts.of("00aa") == ([attempt()] if version else [])
    assert journal.verified.all() == ({"00aa": Verified("00aa", "m1", 1e9)} if version == 2 else {})
    journal.close()
    assert schema(path) == schema(tmp_path / "fresh.db")


def test_an_earlier_schema_is_only_read(tmp_path: Path) -> None:
    """`vlogd status` before the new daemon was started: all is shown, and the file stays as it is."""
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((DATA / "journal-1.sql").read_text())
    before = path.read_bytes()
    journal = Journal(sqlite_url(path), read_only=True)
    assert journal.is_begun()
    assert list(journal.items.all()) == [item()]
    assert journal.attempts.of("00aa") == [attempt()]
    assert journal.verified.all() == {}
    journal.close()
    assert path.read_bytes() == before


def test_a_newer_journal_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    """An older vlogd neither reads it wrongly nor sets it aside as damaged."""
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    for read_only in (False, True):
        with pytest.raises(Unavailable, match="newer vlogd") as caught:
            Journal(sqlite_url(tmp_path / "journal.db"), read_only=read_only)
        assert not isinstance(caught.value, Damaged)


def test_garbage_is_damaged(tmp_path: Path) -> None:
    """And says so."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"garbage " * 4096)
    with pytest.raises(Damaged, match="is damaged"):
        Journal(sqlite_url(path))


def test_a_database_of_something_else_is_damaged(tmp_path: Path) -> None:
    """A valid file, but without vlogd's tables: it is set aside like any other that cannot be the journal."""
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database:
        database.execute("PRAGMA user_version = 2")
    for read_only in (False, True):
        with pytest.raises(Damaged, match="none of vlogd's tables"):
            Journal(sqlite_url(tmp_path / "journal.db"), read_only=read_only)


def test_only_sqlite_is_opened() -> None:
    """Another address is refused with a sentence."""
    with pytest.raises(Unavailable, match="must begin with sqlite://"):
        Journal("postgresql://localhost/vlogd")


@pytest.mark.parametrize("name", ["a b", "100%", "what?", "#1", "caf\udce9", "ünï", "a\nb"])
def test_any_folder_can_hold_it(name: str, tmp_path: Path) -> None:
    """The file's name travels in a URL, twice."""
    folder = tmp_path / name
    folder.mkdir()
    Journal(sqlite_url(folder / "journal.db")).close()
    assert (folder / "journal.db").is_file()
    Journal(sqlite_url(folder / "journal.db"), read_only=True).close()
    with pytest.raises(Unavailable, match="cannot be opened"):
        Journal(sqlite_url(folder / "absent.db"), read_only=True)


@pytest.mark.parametrize(
    "source",
    [File("00aa/caf\udce9.mp4"), Link("https://example.org/film"), Composition({"cuts": [{"item": "00bb"}]})],
)
def test_every_source_is_remembered(source: Source, journal: Journal) -> None:
    """Also a second time, in place of the first."""
    journal.items.add(item())
    journal.items.add(item(source=source))
    assert journal.items.get("00aa") == item(source=source)
    assert list(journal.items.all()) == [item(source=source)]


def test_items_newest_first(journal: Journal) -> None:
    """As the page shows them."""
    journal.items.add(item("00aa", accepted_at=1), item("00cc", accepted_at=3), item("00bb", accepted_at=2))
    assert journal.items.ids() == ["00cc", "00bb", "00aa"]
    assert [known.id for known in journal.items.all()] == ["00cc", "00bb", "00aa"]
    assert journal.items.get("00dd") is None


def test_an_address_is_never_taken_away(journal: Journal) -> None:
    """Whoever writes another item with the same one has no effect, and the owner is told."""
    journal.items.add(item("00aa"), item("00bb"))
    journal.items.add(replace(item("00cc"), slug="a-film-00aa"))
    assert journal.items.get("00aa") == item("00aa")
    assert sorted(journal.items.ids()) == ["00aa", "00bb"]
    wanted = ["a-film-00aa", "a-film-00dd", *(f"other-{number}" for number in range(1200))]
    assert journal.items.owners(wanted) == {"a-film-00aa": "00aa"}
    journal.items.add(replace(item("00aa"), slug="other-7"))
    assert journal.items.owners(wanted) == {"other-7": "00aa"}


def test_an_item_goes_with_its_history(journal: Journal) -> None:
    """And nothing of another one goes with it."""
    for item_id in ("00aa", "00bb"):
        journal.items.add(item(item_id))
        journal.attempts.add(attempt(item_id))
        journal.artifacts.add(Artifact(item_id, "hls", "f1", "d", {}, 5.0), 1.5)
    journal.verified.set([Verified("00aa", "m", None), Verified("00bb", "m", 2.0)])
    journal.items.remove("00aa")
    assert journal.items.ids() == ["00bb"]
    assert journal.items.get("00aa") is None
    assert journal.attempts.of("00aa") == []
    assert journal.artifacts.of("00aa") == []
    assert list(journal.verified.all()) == ["00bb"]
    assert journal.attempts.of("00bb") == [attempt("00bb")]
    assert journal.artifacts.of("00bb") == [
        {"stage": "hls", "fingerprint": "f1", "digest": "d", "made_at": 5.0, "seconds": 1.5}
    ]


def test_an_artifact_that_is_made_again_takes_the_place_of_the_first(journal: Journal) -> None:
    """One row for each recipe."""
    journal.artifacts.add(Artifact("00aa", "hls", "f1", "d1", {}, 5.0), 1.5)
    journal.artifacts.add(Artifact("00aa", "hls", "f1", "d2", {}, 6.0), None)
    assert [row["digest"] for row in journal.artifacts.of("00aa")] == ["d2"]


def test_forgiven_attempts_stay_in_the_history(journal: Journal) -> None:
    """They no longer count, and are shown."""
    journal.attempts.add(attempt(sentence="caf\udce9 failed."))
    journal.attempts.forgive("00aa")
    journal.attempts.add(attempt())
    assert [failure.sentence for failure in journal.attempts.of("00aa")] == ["It failed."]
    assert [failure.sentence for failure in journal.attempts.of("00aa", forgiven=True)] == [
        r"caf\udce9 failed.",
        "It failed.",
    ]


def test_left_files(journal: Journal) -> None:
    """One sentence for each path; names and sentences need not be UTF-8."""
    journal.left_files.set(Path("/in/caf\udce9"), "main", "It grows.", 1.0)
    journal.left_files.set(Path("/in/b"), "main", "caf\udce9 is a link.", 2.0)
    journal.left_files.set(Path("/in/caf\udce9"), "main", "It is a pipe.", 3.0)
    assert journal.left_files.all() == [
        LeftFile("/in/b", "main", r"caf\udce9 is a link.", 2.0),
        LeftFile("/in/caf\udce9", "main", "It is a pipe.", 3.0),
    ]
    journal.left_files.clear(Path("/in/caf\udce9"))
    assert [left.path for left in journal.left_files.all()] == ["/in/b"]


def test_verified_folders_many_at_once(journal: Journal) -> None:
    """More than SQLite takes in one statement; later marks take the place of earlier ones."""
    journal.verified.set(Verified(f"{number:04x}", "m1", float(number)) for number in range(1000))
    journal.verified.set([Verified("0003", "m2", None)])
    assert len(journal.verified.all()) == 1000
    assert journal.verified.all()["0003"] == Verified("0003", "m2", None)
    assert journal.verified.all()["0004"] == Verified("0004", "m1", 4.0)
    assert journal.verified.of(["0003", "unknown"]) == {"0003": Verified("0003", "m2", None)}
    journal.verified.set([])
