"""The journal's file over the years: every earlier schema is brought up to date, a newer one is left alone."""

import sqlite3
from pathlib import Path

import pytest

from vlogd.core.errors import Unavailable
from vlogd.storage.journal import MIGRATIONS, Damaged, Journal

DATA = Path(__file__).parent / "data"


def schema(path: Path) -> set[str]:
    """What SQLite says of the tables and indexes."""
    with sqlite3.connect(path) as database:
        return {row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_every_earlier_schema_is_upgraded(version: int, tmp_path: Path) -> None:
    """From files as they were written then; what they held is still known."""
    path = tmp_path / "journal.db"
    if version:
        with sqlite3.connect(path) as database:
            database.executescript((DATA / f"journal-{version}.sql").read_text())
    fresh = tmp_path / "fresh.db"
    Journal(fresh).close()
    journal = Journal(path)
    assert journal.is_sound()
    assert [item.original for item in journal.items()] == (["00aa/film.mp4"] if version else [])
    assert [attempt.sentence for attempt in journal.attempts("00aa")] == (["It failed."] if version else [])
    journal.close()
    assert schema(path) == schema(fresh)


def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    """An older vlogd neither reads it wrongly nor sets it aside as damaged."""
    path = tmp_path / "journal.db"
    Journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(Unavailable, match="newer vlogd") as caught:
        Journal(path)
    assert not isinstance(caught.value, Damaged)


def test_garbage_is_damaged(tmp_path: Path) -> None:
    """And says so."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"garbage " * 4096)
    with pytest.raises(Damaged, match="is damaged"):
        Journal(path)
