# mypy: disable-error-code="no-untyped-call, index, attr-defined, import-untyped"
# peewee's queries are built by operators on fields, which its own annotations do not describe.
"""What the daemon remembers, in SQLite through Peewee (imported here only).

The disk is the truth: originals carry `item.json`, artifacts carry `artifact.json`. The journal is
memory of it, so that questions are answered without walking a NAS, plus the little that lies
nowhere else: failed attempts, and what was left in an inbox and why. It is rebuilt when lost.

One process writes (the daemon's deciding thread); the command line reads. The file must lie on a
local disk: WAL needs shared memory that network file systems do not give (SQLite docs, "WAL").
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import peewee
from playhouse import migrate as playhouse_migrate

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.core.model import Artifact, Attempt, File, Item, Left

_log = get_logger()

_BUSY_MILLISECONDS = 2_000


class _Row(peewee.Model):
    """Tables bind to a database when a journal is opened, not at import."""


class ItemRow(_Row):
    """An accepted item."""

    id = peewee.CharField(primary_key=True)
    title = peewee.TextField()
    slug = peewee.CharField(unique=True)
    inbox = peewee.CharField()
    original = peewee.BlobField()
    digest = peewee.CharField(index=True)
    size_bytes = peewee.BigIntegerField()
    accepted_at = peewee.DoubleField(index=True)

    class Meta:
        table_name = "items"


class ArtifactRow(_Row):
    """An artifact that was seen whole: for `vlogd show`, never for deciding."""

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


_TABLES = (ItemRow, ArtifactRow, AttemptRow, SightingRow)


def _version_1(_migrator: Any) -> None:
    """The first schema: all tables as they are declared above."""
    for table in _TABLES:
        table.create_table(safe=True)


MIGRATIONS: tuple[Callable[[Any], None], ...] = (_version_1,)
"""Migration N brings the schema from version N to N + 1; `user_version` counts them (SQLite PRAGMA)."""


class Damaged(Unavailable):
    """The file is no sound database. One that is only locked, or on a full disk, is not damaged."""


class Journal:
    """An open journal. Raises Unavailable with a sentence when the file can't be used.

    A write that another program's lock or a full disk hinders is made later: it must not stop work
    whose truth lies on the disks anyway.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._backlog: list[Any] = []
        self._unwritten: dict[str, Item] = {}
        if read_only:
            self._database = peewee.SqliteDatabase(f"file:{_quoted(path)}?mode=ro", uri=True)
        else:
            self._database = peewee.SqliteDatabase(
                str(path), pragmas={"journal_mode": "wal", "synchronous": "normal"}, check_same_thread=False
            )
        try:
            self._database.connect()
            self._database.execute_sql(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
            self._database.bind(_TABLES)
            if not read_only:
                self._migrate()
        except (peewee.OperationalError, sqlite3.OperationalError) as error:
            raise Unavailable(f"The journal {path} cannot be opened: {error}.") from error
        except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
            raise Damaged(f"The journal {path} is damaged: {error}.") from error

    def _write(self, *queries: Any) -> None:
        """Make these writes in one transaction, after those that could not be made before."""
        self._backlog.extend(queries)
        try:
            with self._database.atomic():
                for query in self._backlog:
                    query.execute()
        except peewee.OperationalError as error:
            if len(self._backlog) == len(queries):
                _log.warning("journal.waits", why=str(error))
            return
        self._backlog.clear()
        self._unwritten.clear()

    def is_sound(self) -> bool:
        """Whether SQLite finds the file undamaged."""
        with contextlib.suppress(peewee.DatabaseError):
            return bool(self._database.execute_sql("PRAGMA quick_check").fetchone()[0] == "ok")
        return False

    def is_begun(self) -> bool:
        """Whether it has its tables: a file that is just being made has none."""
        return bool(self._database.execute_sql("PRAGMA user_version").fetchone()[0])

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _migrate(self) -> None:
        version = self._database.execute_sql("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise Unavailable(
                f"The journal {self.path} was written by a newer vlogd (schema {version}); install that version again."
            )
        migrator = playhouse_migrate.SqliteMigrator(self._database)
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            with self._database.atomic():
                migration(migrator)
                self._database.execute_sql(f"PRAGMA user_version = {number}")

    def add_item(self, item: Item) -> None:
        """Remember an item; again is harmless."""
        self.add_items([item])

    def add_items(self, items: Sequence[Item]) -> None:
        """Remember many in one transaction."""
        self._unwritten |= {item.id: item for item in items}
        rows = [_row(item) for item in items]
        self._write(*(ItemRow.insert(**row).on_conflict_replace() for row in rows))

    def item(self, item_id: str) -> Item | None:
        """The item with this id."""
        row = ItemRow.get_or_none(ItemRow.id == item_id)
        return _item(row) if row else self._unwritten.get(item_id)

    def item_ids(self) -> list[str]:
        """All ids, newest first."""
        return [row[0] for row in ItemRow.select(ItemRow.id).order_by(ItemRow.accepted_at.desc()).tuples()]

    def items(self) -> Iterator[Item]:
        """All items, newest first."""
        return (_item(row) for row in ItemRow.select().order_by(ItemRow.accepted_at.desc()).iterator())

    def remove_item(self, item_id: str) -> None:
        """Forget an item with its history, for good: a power cut must not bring it back as one without files."""
        self._unwritten.pop(item_id, None)
        history = [table.delete().where(table.item_id == item_id) for table in (ArtifactRow, AttemptRow)]
        self._database.execute_sql("PRAGMA synchronous = full")
        self._write(ItemRow.delete().where(ItemRow.id == item_id), *history)
        self._database.execute_sql("PRAGMA synchronous = normal")

    def add_artifact(self, artifact: Artifact, seconds: float | None) -> None:
        """Remember an artifact and how long its parts worked (None when it was found, not made)."""
        row = ArtifactRow.insert(
            item_id=artifact.item_id,
            stage=artifact.stage,
            fingerprint=artifact.fingerprint,
            digest=artifact.digest,
            made_at=artifact.made_at,
            seconds=seconds,
        )
        self._write(row.on_conflict_replace())

    def history(self, item_id: str) -> list[dict[str, Any]]:
        """What was made for an item, oldest first."""
        rows = ArtifactRow.select().where(ArtifactRow.item_id == item_id).order_by(ArtifactRow.made_at)
        return [{k: v for k, v in row.items() if k not in ("id", "item_id")} for row in rows.dicts()]

    def add_attempt(self, attempt: Attempt) -> None:
        """Remember a failure."""
        self._write(AttemptRow.insert(**asdict(attempt)))

    def attempts(self, item_id: str, *, forgiven: bool = False) -> list[Attempt]:
        """An item's failures, oldest first; with `forgiven` also those that no longer count."""
        rows = AttemptRow.select().where(AttemptRow.item_id == item_id).order_by(AttemptRow.id)
        return [_attempt(row) for row in rows if forgiven or not row.forgiven]

    def forgive(self, item_id: str) -> None:
        """Let an item's failures no longer count."""
        mine = (AttemptRow.item_id == item_id, ~AttemptRow.forgiven)
        self._write(AttemptRow.update(forgiven=True).where(*mine))

    # Sightings

    def set_left(self, path: Path, inbox: str, why: str, at: float | None = None) -> None:
        """Remember why a path was left in its inbox."""
        at = time.time() if at is None else at
        row = SightingRow.insert(path=_bytes(str(path)), inbox=inbox, why=why, at=at)
        self._write(row.on_conflict_replace())

    def clear_left(self, path: Path) -> None:
        """Forget it: the path was taken or is gone."""
        self._write(SightingRow.delete().where(SightingRow.path == _bytes(str(path))))

    def left(self) -> Sequence[Left]:
        """Everything that was left lying, oldest first."""
        rows = SightingRow.select().order_by(SightingRow.at)
        return [Left(_text(row.path), row.inbox, row.why, row.at) for row in rows]


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _bytes(path: str) -> bytes:
    """A path as SQLite can hold it: names need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return bytes(value).decode("utf-8", "surrogateescape")


def _row(item: Item) -> dict[str, Any]:
    row = {field.name: getattr(item, field.name) for field in fields(item) if field.name != "source"}
    return {**row, "original": _bytes(item.original)}


def _item(row: Any) -> Item:
    return Item(
        id=row.id,
        title=row.title,
        slug=row.slug,
        inbox=row.inbox,
        source=File(_text(row.original)),
        digest=row.digest,
        size_bytes=row.size_bytes,
        accepted_at=row.accepted_at,
    )


def _attempt(row: Any) -> Attempt:
    return Attempt(
        row.item_id, row.stage, row.fingerprint, row.part, row.kind, row.sentence, row.stderr, row.at
    )
