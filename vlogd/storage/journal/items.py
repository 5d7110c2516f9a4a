# mypy: disable-error-code="no-untyped-call, attr-defined"
# peewee's queries are built by operators on fields, which its own annotations do not describe.
"""The journal's items: a copy of the documents beside the originals, so that no query has to walk them."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from vlogd.core.model import File, Item, Source
from vlogd.storage.item_document import source_from_json, source_to_json
from vlogd.storage.journal.database import ArtifactRow, AttemptRow, ItemRow, SqliteDatabase, VerifiedRow
from vlogd.storage.journal.writer import MOST_WAITING, Write, Writer

_KEPT_AS_THEY_ARE = ("id", "title", "slug", "inbox", "digest", "size_bytes", "accepted_at")
_REPLACED = [getattr(ItemRow, name) for name in (*_KEPT_AS_THEY_ARE[1:], "original", "source")]
"""What a second write of the same item replaces: all but its id."""


_MOST_SLUGS = 500
"""Of a statement, which may have 999 parameters on every SQLite (SQLite docs, "Limits")."""


class Items:
    """Reads raise Waiting and Damaged."""

    def __init__(self, database: SqliteDatabase, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        self._unwritten: dict[str, Item | None] = {}

    def add(self, *items: Item) -> None:
        """Remember items, in one transaction. Repeating it is harmless."""
        self._unwritten |= {item.id: item for item in items}
        self._writer.write(*(Write(_upsert(item)) for item in items))
        self._forget_written()

    def get(self, item_id: str) -> Item | None:
        """The item with this id, as it will be once the waiting writes are made."""
        self._forget_written()
        if item_id in self._unwritten:
            return self._unwritten[item_id]
        with self._database.errors_translated():
            row = ItemRow.get_or_none(ItemRow.id == item_id)
        return None if row is None else _item(row)

    def owners(self, slugs: Collection[str]) -> dict[str, str]:
        """The ids of the items that have these addresses, by address, as they will be once the waiting writes are made."""
        self._forget_written()
        wanted, owners = list(slugs), dict[str, str]()
        with self._database.errors_translated():
            for start in range(0, len(wanted), _MOST_SLUGS):
                is_wanted = ItemRow.slug.in_(wanted[start : start + _MOST_SLUGS])
                rows = ItemRow.select(ItemRow.slug, ItemRow.id).where(is_wanted).tuples().iterator()
                owners |= {slug: item_id for slug, item_id in rows if item_id not in self._unwritten}
        waiting = {item.slug: item.id for item in self._unwritten.values() if item is not None}
        return owners | {slug: waiting[slug] for slug in wanted if slug in waiting}

    def ids(self) -> list[str]:
        """All ids, newest first."""
        with self._database.errors_translated():
            return [row.id for row in ItemRow.select(ItemRow.id).order_by(ItemRow.accepted_at.desc())]

    def all(self) -> Iterator[Item]:
        """All items, newest first."""
        with self._database.errors_translated():
            for row in ItemRow.select().order_by(ItemRow.accepted_at.desc()).iterator():
                yield _item(row)

    def remove(self, item_id: str) -> None:
        """Forget an item with its history, for good: a power cut must not bring it back as one without files."""
        tables = (ArtifactRow, AttemptRow, VerifiedRow)
        queries = [table.delete().where(table.item_id == item_id) for table in tables]
        queries.append(ItemRow.delete().where(ItemRow.id == item_id))
        self._unwritten[item_id] = None
        self._writer.write(*(Write(query, must_be_kept=True) for query in queries))
        self._forget_written()

    def _forget_written(self) -> None:
        """Items are remembered here until they are written, within the bound of the writes that wait."""
        if not self._writer.is_behind:
            self._unwritten.clear()
        while len(self._unwritten) > MOST_WAITING:
            del self._unwritten[next(iter(self._unwritten))]


def _upsert(item: Item) -> Any:
    source = None if isinstance(item.source, File) else json.dumps(source_to_json(item.source))
    original = item.source.original if isinstance(item.source, File) else ""
    values = {name: getattr(item, name) for name in _KEPT_AS_THEY_ARE}
    insert = ItemRow.insert(**values, original=path_to_bytes(original), source=source)
    return insert.on_conflict(conflict_target=[ItemRow.id], preserve=_REPLACED)


def _item(row: Any) -> Item:
    source: Source = (
        File(path_from_bytes(row.original))
        if row.source is None
        else source_from_json(json.loads(row.source))
    )
    return Item(source=source, **{name: getattr(row, name) for name in _KEPT_AS_THEY_ARE})


def path_to_bytes(path: str) -> bytes:
    """A path as a database can hold it: names need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def path_from_bytes(value: bytes) -> str:
    """The path that `path_to_bytes` was given."""
    return bytes(value).decode("utf-8", "surrogateescape")
