"""Opens the journal of a state folder; a damaged one is set aside and rebuilt from the disks."""

import time
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.storage import mounts
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import Damaged, sqlite_url

_log = get_logger()

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
    try:
        journal = Journal(sqlite_url(path))
        if journal.is_sound():
            return journal
        journal.close()
    except Damaged:
        pass
    aside = path.with_name(f"journal-damaged-{int(time.time())}.db")
    _log.error("journal.damaged", set_aside=aside, why="it is rebuilt from originals and library")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return Journal(sqlite_url(path))


def open_for_reading(state: Path) -> Journal | None:
    """The journal, read-only; None when there is none yet, or a daemon is just creating it at its first start."""
    if not journal_file(state).exists():
        return None
    journal = Journal(sqlite_url(journal_file(state)), read_only=True)
    if journal.is_begun():
        return journal
    journal.close()
    return None
