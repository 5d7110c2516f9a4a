"""Opening the journal of a state folder, in whatever state it is."""

import errno
import io
import os
import sqlite3
from pathlib import Path

import pytest
from test_storage_journal import item

from vlogd.core.errors import Unavailable
from vlogd.storage import journal_recovery, mounts
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import Waiting
from vlogd.storage.journal_recovery import journal_file, open_for_reading, open_journal


def test_a_sound_journal_is_opened_as_it_is(tmp_path: Path, logged: io.StringIO) -> None:
    """Again and again."""
    journal = open_journal(tmp_path)
    journal.items.add(item())
    journal.close()
    journal = open_journal(tmp_path)
    assert journal.items.ids() == ["00aa"]
    journal.close()
    assert logged.getvalue() == ""


@pytest.mark.parametrize("whole", [True, False])
def test_a_damaged_journal_is_set_aside(whole: bool, tmp_path: Path, logged: io.StringIO) -> None:
    """Damage in the middle is found as well; what was there is kept for whoever wants to look at it."""
    journal = open_journal(tmp_path)
    journal.items.add(*(item(f"{number:04x}") for number in range(500)))
    journal.close()
    data = journal_file(tmp_path).read_bytes()
    damaged = b"no database" * 1000 if whole else data[:8192] + b"x" * (len(data) - 8192)
    journal_file(tmp_path).write_bytes(damaged)
    (tmp_path / "journal.db-wal").write_bytes(b"of the damaged one")
    journal = open_journal(tmp_path)
    assert journal.items.ids() == []
    assert journal.is_sound()
    journal.close()
    (aside,) = tmp_path.glob("journal-damaged-*.db")
    assert aside.read_bytes() == damaged
    assert not whole or Path(f"{aside}-wal").read_bytes() == b"of the damaged one"
    assert "journal.damaged" in logged.getvalue()


def test_a_locked_journal_is_not_set_aside(tmp_path: Path) -> None:
    """Another program may hold it while vlogd starts."""
    open_journal(tmp_path).close()
    other = sqlite3.connect(journal_file(tmp_path), isolation_level=None)
    other.execute("PRAGMA locking_mode = exclusive")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("DELETE FROM items")
    with pytest.raises(Unavailable, match="another program has locked it"):
        open_journal(tmp_path)
    other.close()
    assert list(tmp_path.glob("journal-damaged-*")) == []


def test_a_disk_that_does_not_return_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: SQLite's check finds the page missing and calls it damage; the disk says that it cannot be read."""
    open_journal(tmp_path).close()
    monkeypatch.setattr(Journal, "is_sound", lambda _journal: False)

    def fails(_descriptor: int, *_advice: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "posix_fadvise", fails)
    for _ in range(2):
        with pytest.raises(Waiting, match="Input/output error"):
            open_journal(tmp_path)
    assert list(tmp_path.glob("journal-damaged-*")) == []


def test_damage_that_was_there_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: the first check fails, and everything can be read: so it is checked again."""
    journal = open_journal(tmp_path)
    journal.items.add(item())
    journal.close()
    answers = [False, True]
    monkeypatch.setattr(Journal, "is_sound", lambda _journal: answers.pop(0))
    journal = open_journal(tmp_path)
    assert journal.items.ids() == ["00aa"]
    journal.close()


@pytest.mark.parametrize("file_system", ["nfs4", "cifs", "fuse.sshfs"])
def test_network_file_systems_are_refused(
    file_system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake kernel says so of the state folder."""
    monkeypatch.setattr(mounts, "file_system", lambda _folder: file_system)
    with pytest.raises(Unavailable, match=f"is on {file_system}; .* needs a local disk"):
        open_journal(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_reading(tmp_path: Path) -> None:
    """None as long as there is nothing to read."""
    assert open_for_reading(tmp_path) is None
    journal_recovery.journal_file(tmp_path).touch()
    assert open_for_reading(tmp_path) is None
    journal = open_journal(tmp_path)
    journal.items.add(item())
    reading = open_for_reading(tmp_path)
    assert reading is not None
    assert reading.items.ids() == ["00aa"]
    reading.close()
    journal.close()
