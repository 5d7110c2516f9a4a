# mypy: disable-error-code="no-untyped-call, attr-defined, import-untyped"
# peewee's and playhouse's functions have no annotations.
"""The journal's database: its tables, how it is opened and upgraded, and what its errors mean.

Nothing else knows about peewee or the database behind it. Tables, upserts and migrations are written so that SQLite
and PostgreSQL both accept them; `SqliteDatabase` holds what is specific to SQLite. The file must lie on a local disk: WAL needs
shared memory that network file systems do not provide (SQLite docs, "Write-Ahead Logging").
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import peewee
from playhouse import migrate as playhouse_migrate

from vlogd.core.errors import Unavailable

_BUSY_MILLISECONDS = 2_000
"""How long to wait for another program's lock: most are held for less, and systemd's watchdog allows more."""


class _Row(peewee.Model):
    """Tables bind to a database when a journal is opened, not at import."""


class ItemRow(_Row):
    """An accepted item. `source` is null for a dropped file, whose path is `original`; else that is empty."""

    id = peewee.CharField(primary_key=True)
    title = peewee.TextField()
    slug = peewee.CharField(unique=True)
    inbox = peewee.CharField()
    original = peewee.BlobField()
    digest = peewee.CharField(index=True)
    size_bytes = peewee.BigIntegerField()
    accepted_at = peewee.DoubleField(index=True)
    source = peewee.TextField(null=True)

    class Meta:
        table_name = "items"


class ArtifactRow(_Row):
    """An artifact that was once complete: for `vlogd show`, never for decisions."""

    item_id = peewee.CharField(index=True)
    stage = peewee.CharField()
    fingerprint = peewee.CharField()
    digest = peewee.CharField()
    made_at = peewee.DoubleField()
    seconds = peewee.DoubleField(null=True)

    class Meta:
        table_name = "artifacts"
        indexes = ((("item_id", "stage", "fingerprint"), True),)


class AttemptRow(_Row):
    """A part that failed. `forgiven` rows no longer count towards parking."""

    item_id = peewee.CharField(index=True)
    stage = peewee.CharField()
    fingerprint = peewee.CharField()
    part = peewee.CharField()
    kind = peewee.CharField()
    sentence = peewee.TextField()
    stderr = peewee.TextField()
    at = peewee.DoubleField()
    forgiven = peewee.BooleanField(default=False)

    class Meta:
        table_name = "attempts"


class SightingRow(_Row):
    """A path in an inbox that was not taken, and why."""

    path = peewee.BlobField(unique=True)
    inbox = peewee.CharField()
    why = peewee.TextField()
    at = peewee.DoubleField()

    class Meta:
        table_name = "sightings"


class VerifiedRow(_Row):
    """How an item's published folder looked when it was last found complete."""

    item_id = peewee.CharField(primary_key=True)
    mark = peewee.TextField()
    ready_at = peewee.DoubleField(null=True)

    class Meta:
        table_name = "verified"


TABLES = (ItemRow, ArtifactRow, AttemptRow, SightingRow, VerifiedRow)


def _sources_and_verified(migrator: Any) -> None:
    playhouse_migrate.migrate(migrator.add_column("items", "source", peewee.TextField(null=True)))
    VerifiedRow.create_table()


MIGRATIONS: tuple[Callable[[Any], None], ...] = (_sources_and_verified,)
"""Migration N brings schema N + 1 to N + 2; a new journal has all tables as they are declared above."""

SCHEMA = 1 + len(MIGRATIONS)
"""The version of the schema that this vlogd writes."""


class Damaged(Unavailable):
    """The file is not a valid database. A locked one, or one on a full disk, is not damaged."""


class Waiting(Unavailable):
    """The database cannot be used at the moment: it is locked, or its disk is full, read-only or failing."""


def sqlite_url(path: Path) -> str:
    """The URL of the SQLite database in a file."""
    return f"sqlite://{quote(os.fsencode(path.absolute()))}"


def open_database(url: str, *, read_only: bool) -> "SqliteDatabase":
    """Connect to the database at `url`, with the current schema; one without tables stays so when `read_only`.

    Raises Damaged and Waiting, and Unavailable for a schema of a newer vlogd.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise Unavailable(f"The journal cannot be kept at {url}: its address must begin with sqlite://.")
    database = SqliteDatabase(parts.path, read_only=read_only)
    try:
        with database.errors_translated():
            database.connect()
            version = database.schema
            if read_only and 0 < version < SCHEMA:  # no daemon of this version has run yet
                database.copy_into_memory()
            if version or not read_only:
                _upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def _upgrade(database: "SqliteDatabase") -> None:
    version = database.schema
    if version and not database.peewee.table_exists(ItemRow):
        raise Damaged(f"The journal {database.name} is damaged: it has none of vlogd's tables.")
    if version > SCHEMA:
        raise Unavailable(
            f"The journal {database.name} was written by a newer vlogd (schema {version}); install that version again."
        )
    if not version:
        with database.peewee.atomic():
            database.peewee.create_tables(TABLES)
            database.schema = SCHEMA
        return
    migrator = playhouse_migrate.SchemaMigrator.from_database(database.peewee)
    for number, migration in enumerate(MIGRATIONS[version - 1 :], version + 1):
        with database.peewee.atomic():
            migration(migrator)
            database.schema = number


class SqliteDatabase:
    """What is specific to SQLite: the connection, PRAGMAs, error codes. `quoted_path` is percent-encoded."""

    def __init__(self, quoted_path: str, *, read_only: bool) -> None:
        self.name = os.fsdecode(unquote_to_bytes(quoted_path))
        self._read_only = read_only
        # A URI filename is percent-encoded as in a URL (SQLite docs, "Uniform Resource Identifiers").
        address = f"file:{quoted_path}?mode={'ro' if read_only else 'rwc'}"
        self.peewee = peewee.SqliteDatabase(address, uri=True, check_same_thread=False)

    def connect(self) -> None:
        """Open the file. In WAL mode readers and the writer do not wait for each other."""
        self.peewee.connect()
        self._pragma(f"busy_timeout = {_BUSY_MILLISECONDS}")
        self.peewee.bind(TABLES)
        if not self._read_only:
            self._pragma("journal_mode = wal")
            self._pragma("synchronous = normal")  # a power cut may lose the last writes, never the file

    def copy_into_memory(self) -> None:
        """Continue on a copy in memory, which can be upgraded although the file must not be written."""
        copy = peewee.SqliteDatabase(":memory:", check_same_thread=False)
        copy.connect()
        self.peewee.connection().backup(copy.connection())
        self.peewee.close()
        self.peewee = copy
        self.peewee.bind(TABLES)

    def close(self) -> None:
        """Close the file."""
        self.peewee.close()

    @property
    def schema(self) -> int:
        """The version of the schema; 0 when there are no tables yet."""
        return int(self._pragma("user_version"))

    @schema.setter
    def schema(self, version: int) -> None:
        self._pragma(f"user_version = {version}")

    def is_sound(self) -> bool:
        """Whether SQLite finds no damage in the file. Raises Waiting when that cannot be determined."""
        try:
            with self.errors_translated():
                return bool(self._pragma("quick_check") == "ok")
        except Damaged:
            return False

    @contextlib.contextmanager
    def durably(self) -> Iterator[None]:
        """Make what is written inside survive a power cut."""
        self._pragma("synchronous = full")
        try:
            yield
        finally:
            self._pragma("synchronous = normal")

    @contextlib.contextmanager
    def errors_translated(self) -> Iterator[None]:
        """Raise Waiting and Damaged instead of the database's own errors; those that mean a bug pass unchanged."""
        try:
            yield
        except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
            translated = self.translated(error)
            if translated is None:
                raise
            raise translated from error

    def translated(self, error: Exception) -> Damaged | Waiting | None:
        """What an error of the database means: damage, something to wait for, or (None) a bug of ours."""
        cause: BaseException | None = error
        while cause is not None:  # peewee's error, SQLite's own, and what a failed rollback hides
            translated = self._by_code(getattr(cause, "sqlite_errorcode", 0) & 0xFF, cause)
            if translated is not None:
                return translated
            cause = cause.__context__
        return None

    def _by_code(self, code: int, cause: BaseException) -> Damaged | Waiting | None:
        """By the first byte of an error code: the rest is detail (SQLite docs, "Result and Error Codes")."""
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return Damaged(f"The journal {self.name} is damaged: {cause}.")
        reasons = {
            sqlite3.SQLITE_BUSY: "another program has locked it",
            sqlite3.SQLITE_LOCKED: "another program has locked it",
            sqlite3.SQLITE_PROTOCOL: "another program has locked it",
            sqlite3.SQLITE_FULL: "its disk is full",
            sqlite3.SQLITE_READONLY: "it is read-only",
            sqlite3.SQLITE_PERM: "its permissions do not allow it",
            sqlite3.SQLITE_CANTOPEN: "its file or folder cannot be opened",
            sqlite3.SQLITE_IOERR: "its disk reports an I/O error",
            sqlite3.SQLITE_NOMEM: "there is too little memory",
        }
        return (
            Waiting(f"The journal {self.name} cannot be used: {reasons[code]}.") if code in reasons else None
        )

    def _pragma(self, statement: str) -> Any:
        row = self.peewee.execute_sql(f"PRAGMA {statement}").fetchone()
        return row[0] if row else None
