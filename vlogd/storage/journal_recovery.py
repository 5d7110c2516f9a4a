"""Opens the journal at a start; one that is damaged is set aside, and what it knew is read from the disks."""

import time
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.storage import mounts
from vlogd.storage.journal import Damaged, Journal

_log = get_logger()

_NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "gluster", "fuse.sshfs")


def open_journal(state: Path) -> Journal:
    """The journal; a damaged one is set aside and rebuilt from originals and library."""
    kind = mounts.file_system(state)
    if kind.startswith(_NETWORK):
        raise Unavailable(f"The state folder {state} lies on {kind}; SQLite's journal needs a local disk.")
    path = state / "journal.db"
    try:
        journal = Journal(path)
        if journal.is_sound():
            return journal
        journal.close()
    except Damaged:
        pass
    aside = path.with_name(f"journal-damaged-{int(time.time())}.db")
    _log.error("journal.damaged", set_aside=aside, why="it is rebuilt from originals and library")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return Journal(path)
