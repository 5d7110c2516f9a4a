"""Writes that cannot be made now: another program's lock, a full disk, damage and bugs are told apart."""

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from test_storage_journal import attempt, item

from vlogd.storage.journal import Journal, database, writer
from vlogd.storage.journal.database import AttemptRow, Damaged, ItemRow, SqliteDatabase, Waiting, sqlite_url
from vlogd.storage.journal.writer import Write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """A new one that doesn't wait long for locks, nor before it tries again."""
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    monkeypatch.setattr(writer, "_SHORTEST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(writer, "_PAUSE_PER_SECOND", 0.0)
    with closing(Journal(sqlite_url(path))) as journal:
        yield journal


@pytest.fixture
def lock(path: Path, journal: Journal) -> Iterator[sqlite3.Connection]:
    """Another program that holds the journal until it rolls back."""
    assert journal.is_sound()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_what_waits_for_a_lock_is_known_and_written_later(
    journal: Journal, path: Path, lock: sqlite3.Connection, logged: io.StringIO
) -> None:
    """In the order in which it was written; one line in the log says so."""
    journal.items.add(item("00aa"))
    journal.items.add(item("00bb"))
    journal.items.remove("00aa")
    assert journal.items.get("00aa") is None
    assert journal.items.get("00bb") == item("00bb")
    assert journal.items.ids() == []
    assert logged.getvalue().count("journal.waits") == 1
    assert "another program has locked it" in logged.getvalue()
    assert "another program has locked it" in journal.trouble
    lock.execute("ROLLBACK")
    journal.retry_writes()
    assert "journal.written" in logged.getvalue()
    assert journal.trouble == ""
    journal.close()
    with closing(Journal(sqlite_url(path))) as again:
        assert again.items.ids() == ["00bb"]


def test_a_removal_that_waits_hides_what_is_still_written(journal: Journal, lock: sqlite3.Connection) -> None:
    """The item was written before the lock; removed is removed."""
    lock.execute("ROLLBACK")
    journal.items.add(item("00aa"))
    lock.execute("BEGIN IMMEDIATE")
    journal.items.remove("00aa")
    assert journal.items.get("00aa") is None
    journal.items.add(item("00aa"))
    assert journal.items.get("00aa") == item("00aa")
    lock.execute("ROLLBACK")
    journal.close()


def test_it_waits_before_it_tries_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try stops the deciding thread for as long as SQLite waits for the lock."""
    now = [100.0]
    monkeypatch.setattr(database, "_BUSY_MILLISECONDS", 1)
    opened = database.open_database(sqlite_url(path), read_only=False)
    tries: list[float] = []

    class Query:
        """Finds the journal locked, after two seconds."""

        def execute(self) -> None:
            tries.append(now[0])
            now[0] += 2
            raise sqlite3_busy()

    late = writer.Writer(opened, lambda: now[0])
    late.write(Write(Query()))
    late.write(Write(Query()))
    late.flush_if_due()
    assert tries == [100.0]
    now[0] += 19
    late.flush_if_due()
    assert tries == [100.0]
    now[0] += 1
    late.flush_if_due()
    assert tries == [100.0, 122.0]
    opened.close()


def sqlite3_busy() -> sqlite3.OperationalError:
    """As the sqlite3 module raises it."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    return error


def test_what_waits_is_bounded(
    journal: Journal, lock: sqlite3.Connection, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest goes first and the log says so once; removals, which nothing else remembers, stay."""
    monkeypatch.setattr(writer, "MOST_WAITING", 20)
    lock.execute("ROLLBACK")
    journal.items.add(item("00aa"))
    lock.execute("BEGIN IMMEDIATE")
    journal.items.remove("00aa")
    for number in range(100):
        journal.items.add(item(f"{number:04x}"))
        assert len(journal._writer._waiting) <= 20
    assert logged.getvalue().count("journal.incomplete") == 1
    lock.execute("ROLLBACK")
    journal.retry_writes()
    assert "dropped=84" in logged.getvalue()
    assert set(journal.items.ids()) == {f"{number:04x}" for number in range(84, 100)}
    journal.items.add(item("0000"))
    assert journal.items.get("0000") == item("0000")


def test_a_full_disk_is_waited_for(journal: Journal, path: Path, logged: io.StringIO) -> None:
    """SQLite's own limit of the file's size gives the same error as a full disk."""
    pages = journal._database._pragma("page_count")
    journal._database._pragma(f"max_page_count = {pages}")
    journal.attempts.add(attempt(sentence="x" * 100_000))
    assert "its disk is full" in logged.getvalue()
    assert journal.attempts.of("00aa") == []
    journal._database._pragma("max_page_count = 1000000")
    journal.close()
    with closing(Journal(sqlite_url(path))) as again:
        assert len(again.attempts.of("00aa")) == 1


def test_a_bug_does_not_hold_up_the_others(journal: Journal, logged: io.StringIO) -> None:
    """A write that the database refuses for good is logged with its traceback and dropped."""
    journal.items.add(item("00aa"))
    clash = ItemRow.insert(
        id="00bb",
        title="",
        slug="a-film-00aa",
        inbox="",
        original=b"",
        digest="",
        size_bytes=0,
        accepted_at=0,
    )
    unknown_table = AttemptRow.raw("INSERT INTO nowhere VALUES (1)")
    added = AttemptRow.insert(**attempt().__dict__)
    journal._writer.write(Write(clash), Write(unknown_table), Write(added))
    assert logged.getvalue().count("The journal refuses a write") == 2
    assert journal.attempts.of("00aa") == [attempt()]
    assert not journal._writer.is_behind


def test_damage_while_it_runs(path: Path, logged: io.StringIO) -> None:
    """It is reported as damage, not as a lock, and work goes on: the next start rebuilds it."""
    journal = Journal(sqlite_url(path))
    journal.items.add(*(item(f"{number:04x}") for number in range(500)))
    journal.close()
    with path.open("r+b") as file:  # all pages but the first two, which hold the schema
        file.seek(8192)
        file.write(b"x" * (path.stat().st_size - 8192))
    journal = Journal(sqlite_url(path))
    with pytest.raises(Damaged, match="is damaged"):
        list(journal.items.all())
    journal.items.add(item("ffff"))
    assert journal.items.get("ffff") == item("ffff")
    assert "journal.damaged" in logged.getvalue()
    assert not journal.is_sound()
    journal.close()


def test_a_lock_is_not_damage(path: Path, journal: Journal) -> None:
    """Another program locks the whole file: it cannot be opened, and is not damaged."""
    journal.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = exclusive")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("DELETE FROM items")
        with pytest.raises(Waiting, match="another program has locked it"):
            Journal(sqlite_url(path))
        other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_IOERR_READ, Waiting),
        (sqlite3.SQLITE_READONLY_DIRECTORY, Waiting),
        (sqlite3.SQLITE_CORRUPT_INDEX, Damaged),
        (sqlite3.SQLITE_ERROR, type(None)),
        (sqlite3.SQLITE_MISUSE, type(None)),
    ],
)
def test_error_codes(code: int, expected: type, path: Path) -> None:
    """The first byte of an extended code says which kind it is."""
    error = sqlite3.OperationalError("whatever")
    error.sqlite_errorcode = code
    assert type(SqliteDatabase(str(path), read_only=True).translated(error)) is expected
