# mypy: disable-error-code="no-untyped-call, attr-defined"
# peewee's queries are built by operators on fields, which its own annotations do not describe.
"""The state of the items' published folders when last found complete: what is unchanged need not be read again."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vlogd.core.model import Verified
from vlogd.storage.journal.database import SqliteDatabase, VerifiedRow
from vlogd.storage.journal.writer import Write, Writer

_MOST_ROWS = 300
"""Of a statement: three parameters each, of the 999 that every SQLite allows (SQLite docs, "Limits")."""


class VerifiedFolders:
    """One row for each item. Losing them costs a look at every file, no more. Reads raise Waiting and Damaged."""

    def __init__(self, database: SqliteDatabase, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def set(self, rows: Iterable[Verified]) -> None:
        """Store these rows in one transaction, replacing those of the same items."""
        every = [(row.item_id, row.mark, row.ready_at) for row in rows]
        fields = [VerifiedRow.item_id, VerifiedRow.mark, VerifiedRow.ready_at]
        inserts = [
            VerifiedRow.insert_many(every[start : start + _MOST_ROWS], fields=fields)
            for start in range(0, len(every), _MOST_ROWS)
        ]
        self._writer.write(
            *(
                Write(insert.on_conflict(conflict_target=fields[:1], preserve=fields[1:]))
                for insert in inserts
            )
        )

    def all(self) -> Mapping[str, Verified]:
        """The rows of these items, by id."""
        return self._read(VerifiedRow.select())

    def of(self, item_ids: Sequence[str]) -> Mapping[str, Verified]:
        """What is known of these, at most 999 (SQLite docs, "Limits")."""
        return self._read(VerifiedRow.select().where(VerifiedRow.item_id.in_(item_ids)))

    def _read(self, query: Any) -> Mapping[str, Verified]:
        with self._database.errors_translated():
            return {
                item_id: Verified(item_id, mark, ready_at)
                for item_id, mark, ready_at in query.tuples().iterator()
            }
