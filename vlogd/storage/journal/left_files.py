# mypy: disable-error-code="no-untyped-call, attr-defined"
# peewee's queries are built by operators on fields, which its own annotations do not describe.
"""The files that were left in their inboxes, and why."""

import time
from collections.abc import Sequence
from pathlib import Path

from vlogd.core.model import LeftFile
from vlogd.storage.journal.database import SightingRow, SqliteDatabase
from vlogd.storage.journal.items import path_from_bytes, path_to_bytes
from vlogd.storage.journal.writer import Write, Writer


class LeftFiles:
    """One sentence for each path. Reads raise Waiting and Damaged."""

    def __init__(self, database: SqliteDatabase, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def set(self, path: Path, inbox: str, why: str, at: float | None = None) -> None:
        """Remember why a path was left in its inbox; `at` (epoch seconds) is now unless given."""
        at = time.time() if at is None else at
        readable = why.encode(
            "utf-8", "backslashreplace"
        ).decode()  # it may quote a file name that is not UTF-8
        insert = SightingRow.insert(path=path_to_bytes(str(path)), inbox=inbox, why=readable, at=at)
        values = [SightingRow.inbox, SightingRow.why, SightingRow.at]
        self._writer.write(Write(insert.on_conflict(conflict_target=[SightingRow.path], preserve=values)))

    def clear(self, path: Path) -> None:
        """Forget a path: it was taken or is gone."""
        self._writer.write(Write(SightingRow.delete().where(SightingRow.path == path_to_bytes(str(path)))))

    def all(self) -> Sequence[LeftFile]:
        """Everything that was left, oldest first."""
        rows = SightingRow.select().order_by(SightingRow.at)
        with self._database.errors_translated():
            return [LeftFile(path_from_bytes(row.path), row.inbox, row.why, row.at) for row in rows]
