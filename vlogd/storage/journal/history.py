# mypy: disable-error-code="no-untyped-call, attr-defined"
# peewee's queries are built by operators on fields, which its own annotations do not describe.
"""What happened to the items: the artifacts that were made, and the attempts that failed."""

from dataclasses import asdict
from typing import Any

from vlogd.core.model import Artifact, Attempt
from vlogd.storage.journal.database import ArtifactRow, AttemptRow, SqliteDatabase
from vlogd.storage.journal.writer import Write, Writer


class Artifacts:
    """For `vlogd show`: which artifacts an item has is decided by the library. Reads raise Waiting and Damaged."""

    def __init__(self, database: SqliteDatabase, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def add(self, artifact: Artifact, seconds: float | None) -> None:
        """Remember an artifact and how long its parts worked (None when it was found, not made)."""
        insert = ArtifactRow.insert(
            item_id=artifact.item_id,
            stage=artifact.stage,
            fingerprint=artifact.fingerprint,
            digest=artifact.digest,
            made_at=artifact.made_at,
            seconds=seconds,
        )
        key = [ArtifactRow.item_id, ArtifactRow.stage, ArtifactRow.fingerprint]
        values = [ArtifactRow.digest, ArtifactRow.made_at, ArtifactRow.seconds]
        self._writer.write(Write(insert.on_conflict(conflict_target=key, preserve=values)))

    def of(self, item_id: str) -> list[dict[str, Any]]:
        """The artifacts made for an item, oldest first, as plain data."""
        rows = ArtifactRow.select().where(ArtifactRow.item_id == item_id).order_by(ArtifactRow.made_at)
        with self._database.errors_translated():
            return [{k: v for k, v in row.items() if k not in ("id", "item_id")} for row in rows.dicts()]


class Attempts:
    """The failures that decide whether a part is tried again. Reads raise Waiting and Damaged."""

    def __init__(self, database: SqliteDatabase, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def add(self, attempt: Attempt) -> None:
        """Remember a failure."""
        readable = {key: _utf_8(value) for key, value in asdict(attempt).items()}
        self._writer.write(Write(AttemptRow.insert(**readable)))

    def of(self, item_id: str, *, forgiven: bool = False) -> list[Attempt]:
        """An item's failures, oldest first; with `forgiven` also those that no longer count."""
        rows = AttemptRow.select().where(AttemptRow.item_id == item_id).order_by(AttemptRow.id)
        with self._database.errors_translated():
            return [_attempt(row) for row in rows if forgiven or not row.forgiven]

    def forgive(self, item_id: str) -> None:
        """Let an item's failures no longer count."""
        counting = (AttemptRow.item_id == item_id, ~AttemptRow.forgiven)
        self._writer.write(Write(AttemptRow.update(forgiven=True).where(*counting)))


def _utf_8(value: Any) -> Any:
    """Text that a database takes: a sentence may quote a file name that is not UTF-8."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _attempt(row: Any) -> Attempt:
    return Attempt(
        row.item_id, row.stage, row.fingerprint, row.part, row.kind, row.sentence, row.stderr, row.at
    )
