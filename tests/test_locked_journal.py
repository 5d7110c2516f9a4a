"""A journal that cannot be used for now is waited for: it is never taken for a damaged one and thrown away."""

import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, kill, until
from test_failing_disks import Disk, disk

from vlogd.core.errors import Unavailable
from vlogd.core.model import File, Item
from vlogd.storage.journal_recovery import journal_file, open_journal

MOST_ITEMS = 4000
"""About a mebibyte of rows, so that half of the journal lies far behind its beginning."""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[tuple[Path, Disk]]:
    """A state folder on a disk that can fail, with a journal that has many pages."""
    if os.geteuid() != 0:
        pytest.skip("making small file systems needs root")
    folder = tmp_path / "state"
    folder.mkdir()
    bad = disk(tmp_path / "disk.img", folder)
    journal = open_journal(folder)
    journal.items.add(*(_item(number) for number in range(MOST_ITEMS)))
    journal.close()
    yield folder, bad
    subprocess.run(["umount", "-l", folder], check=True)


def _item(number: int) -> Item:
    name = f"{number:016x}"
    return Item(name, "title " * 20, f"a-{name}", "main", File(f"{name}/film"), name * 4, 1, 1e9)


def test_a_journal_on_a_failing_disk(state: tuple[Path, Disk]) -> None:
    """Half of its pages cannot be read: SQLite's check calls them damaged, and everything was forgotten."""
    folder, bad = state
    path = journal_file(folder)
    bad.forget(path)
    bad.end_at(_first_block(path) * 4096 + path.stat().st_size // 2)
    with pytest.raises(OSError, match="Input/output error") as failed:
        path.read_bytes()
    assert failed.value.errno == errno.EIO
    with pytest.raises(Unavailable, match="cannot be used"):
        open_journal(folder)
    assert list(folder.glob("journal-damaged-*")) == []
    bad.end_at(0)
    journal = open_journal(folder)
    assert len(journal.items.ids()) == MOST_ITEMS
    journal.close()


def _first_block(path: Path) -> int:
    """Where a file begins on its disk, in blocks of 4 KiB."""
    said = subprocess.run(["filefrag", "-e", path], check=True, capture_output=True, text=True).stdout
    return min(int(line.split(":")[2].split("..")[0]) for line in said.splitlines() if ".." in line)


def test_a_start_while_the_journal_is_locked(tmp_path: Path) -> None:
    """Another process holds it: the daemon says so, waits, and begins with all that it remembered."""
    home = Home(tmp_path)
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    holder = sqlite3.connect(home.folder / "state/journal.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = exclusive")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("DELETE FROM verified WHERE 0")
    refused = home.once()
    assert refused.returncode == 1
    assert "another program has locked it" in refused.stderr
    daemon = home.start()
    try:
        until(lambda: "another program has locked it" in home.logged())
        assert daemon.poll() is None
        holder.execute("ROLLBACK")
        holder.close()
        until(lambda: "vlogd.started" in home.logged())
        assert "part.started" not in home.logged()
        assert list(home.folder.glob("state/journal-damaged-*")) == []
    finally:
        kill(daemon)


def test_a_stop_while_the_journal_is_locked(tmp_path: Path) -> None:
    """It ends at once."""
    home = Home(tmp_path)
    assert home.once().returncode == 0
    holder = sqlite3.connect(home.folder / "state/journal.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = exclusive")
    holder.execute("BEGIN EXCLUSIVE")
    daemon = home.start()
    until(lambda: "another program has locked it" in home.logged())
    daemon.terminate()
    assert daemon.wait(15) == 0
    holder.close()
