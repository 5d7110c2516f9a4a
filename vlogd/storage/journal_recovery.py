"""Opens the journal of a state folder; a damaged one is set aside and rebuilt from the disks.

A journal that cannot be used for now is not a damaged one. SQLite's own check counts a page that the disk does not return
as damage, so all of the journal must be readable before it is believed.
"""

import os
import time
from contextlib import ExitStack, closing
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.storage import mounts
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import Damaged, Waiting, sqlite_url

_log = get_logger()

_FILES = ("-wal", "-shm", "")
"""What is added to the name of a database for its files (SQLite docs, "Write-Ahead Logging"). The database is the last
one to be set aside: without it the others would be taken for those of the next one."""

_BLOCK_BYTES = 1 << 20

_NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "gluster", "fuse.sshfs")
"""How the kernel's names of network file systems begin; they lack the shared memory that WAL needs (SQLite docs)."""


def journal_file(state: Path) -> Path:
    """The journal's file in a state folder."""
    return state / "journal.db"


def open_journal(state: Path) -> Journal:
    """The journal; a damaged one is set aside and replaced. Raises Unavailable when it cannot be used for now."""
    file_system = mounts.file_system(state)
    if file_system.startswith(_NETWORK):
        raise Unavailable(
            f"The state folder {state} is on {file_system}; SQLite's journal needs a local disk."
        )
    path = journal_file(state)
    journal = sound_journal(path)
    if journal is not None:
        return journal
    _set_aside(path)
    return Journal(sqlite_url(path))


def sound_journal(path: Path, *, read_only: bool = False) -> Journal | None:
    """The journal in a file; None when it is damaged. Raises Waiting while that cannot be determined."""
    for _ in range(2):  # what was unreadable for a moment must not count, either
        try:
            if _is_sound(path):
                return Journal(sqlite_url(path), read_only=read_only)
        except Damaged:
            pass
        _read_to_the_end(path)
    return None


def _is_sound(path: Path) -> bool:
    """Whether the journal may be used. Raises Waiting while that cannot be determined, and Damaged.

    It is opened for reading only: SQLite deletes the write-ahead log when a writer closes a damaged database.
    """
    if not path.exists():
        return True
    with closing(Journal(sqlite_url(path), read_only=True)) as journal:
        return journal.is_sound()


def _read_to_the_end(path: Path) -> None:
    """Make sure that the disk returns all of a journal. Raises Waiting when it does not."""
    for suffix in _FILES:
        try:
            with Path(f"{path}{suffix}").open("rb", buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                while file.read(_BLOCK_BYTES):
                    pass
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Waiting(f"The journal {path} cannot be used: {error.strerror}.") from error


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"journal-damaged-{int(time.time())}.db")
    _log.error("journal.damaged", set_aside=aside, why="it is rebuilt from originals and library")
    for suffix in _FILES:
        source = Path(f"{path}{suffix}")
        if source.exists():
            source.rename(f"{aside}{suffix}")


def open_for_reading(state: Path) -> Journal | None:
    """The journal, read-only; None when there is none yet, or a daemon is just creating it at its first start."""
    if not journal_file(state).exists():
        return None
    journal = Journal(sqlite_url(journal_file(state)), read_only=True)
    with ExitStack() as unless_returned:
        unless_returned.callback(journal.close)
        if not journal.is_begun():
            return None
        unless_returned.pop_all()
    return journal
