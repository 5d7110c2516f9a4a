"""What the daemon remembers, in a database.

The disk is the truth: originals carry their items' documents, artifacts carry `artifact.json`. The journal is a copy, so
that queries need not walk a NAS, plus the little that is stored nowhere else: failed attempts, and what was left in an
inbox and why. It is rebuilt when lost.

One process writes (the daemon's deciding thread); the command line reads. Only `database` knows peewee and SQLite.
"""

from vlogd.storage.journal.database import open_database
from vlogd.storage.journal.history import Artifacts, Attempts
from vlogd.storage.journal.items import Items
from vlogd.storage.journal.left_files import LeftFiles
from vlogd.storage.journal.verified import VerifiedFolders
from vlogd.storage.journal.writer import Writer


class Journal:
    """An open journal; its attributes are the tables' interfaces.

    Opening raises Unavailable with a sentence when the database cannot be used: Damaged when the file is not a valid one,
    Waiting when it is locked or its disk is in trouble. A write that fails for such a reason is made later (`writer`).
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._database = open_database(url, read_only=read_only)
        self._writer = Writer(self._database)
        self.items = Items(self._database, self._writer)
        self.artifacts = Artifacts(self._database, self._writer)
        self.attempts = Attempts(self._database, self._writer)
        self.left_files = LeftFiles(self._database, self._writer)
        self.verified = VerifiedFolders(self._database, self._writer)

    def is_sound(self) -> bool:
        """Whether the database finds no damage in itself. Raises Waiting when that cannot be determined."""
        return self._database.is_sound()

    def is_begun(self) -> bool:
        """Whether it has its tables: one that is just being created has none."""
        with self._database.errors_translated():
            return self._database.schema > 0

    @property
    def trouble(self) -> str:
        """Why writes wait, in a sentence; "" when none does."""
        return self._writer.trouble

    def retry_writes(self) -> None:
        """Retry the waiting writes, if it is time."""
        self._writer.flush_if_due()

    def close(self) -> None:
        """Make the waiting writes, if possible, and close the database."""
        self._writer.flush()
        self._database.close()
