"""Where originals are stored, and where they move.

    <originals>/<item id>/.vlogd-item.json     the item: from it a lost journal is rebuilt
    <originals>/<item id>/.vlogd-media.json    ffprobe's description of the original
    <originals>/<item id>/<file name>          the original
    <archive>/<item id>/<file name>            … which lies here once it was archived
    <originals>/<item id>/.vlogd-deleted.json  … or was deleted, as `keeping.originals` demands
    <originals>/.trash/<item id>/              a removed item: the rename is the commit point
    <originals>/.trash/<item id>.json          until when it is kept

Each method may be called again after a crash in the middle of it. All raise OSError when a disk fails.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlogd.core.cancellation import Stop
from vlogd.core.documents import Document, DocumentFormat
from vlogd.core.errors import BadInput, Malformed, NewerFormat, Unavailable
from vlogd.core.model import File, Item
from vlogd.storage import item_document
from vlogd.storage.tree import Tree

MEDIA = ".vlogd-media.json"
"""Beside an original: ffprobe's description of it, which ingest writes (`media.description`)."""

TRASH = ".trash"
_DELETED = ".vlogd-deleted.json"


@dataclass(frozen=True)
class Scan:
    """The result of a scan of the originals: the items, and a sentence for each one that could not be read."""

    items: tuple[Item, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True)
class _Deletion:
    """An original was deleted on purpose (epoch seconds)."""

    deleted_at: float


@dataclass(frozen=True)
class _TrashNote:
    """Until when an item stays in the trash (epoch seconds)."""

    keep_until: float


_DELETION = DocumentFormat.of("the note of a deleted original", _Deletion)
_TRASH_NOTE = DocumentFormat.of("the note of an item in the trash", _TrashNote)


class Originals:
    """One originals folder and, where configured, the archive that its files move to."""

    def __init__(self, root: Path, archive: Path | None = None) -> None:
        self.root = root
        self._tree = Tree(root)
        self._archive = None if archive is None else Tree(archive)

    def scan(self, but: Collection[str] = frozenset()) -> Scan:
        """All accepted items, from the documents beside their originals; those with these ids are not read.

        Raises OSError when the folder itself cannot be listed. One that isn't there holds nothing.
        """
        return self._scan(".", but)

    def item(self, item_id: str) -> Item | None:
        """The item with this id, whether its file is still there or not.

        Raises OSError, Malformed and NewerFormat: only None means that there is none.
        """
        return self._read_item(item_id)

    def write_item(self, folder: Path, item: Item) -> None:
        """Write an item's document into `folder`, with the unknown keys of the one that it replaces.

        `folder` may be a claim's, which becomes the item's own later. Raises OSError, Malformed and NewerFormat.
        """
        earlier = self._tree.read(item_document.FORMAT, f"{item.id}/{item_document.NAME}")
        earlier = earlier or _document_in(folder, item.id)
        unknown = {} if earlier is None else earlier.unknown
        Tree(folder).write(item_document.FORMAT, item_document.NAME, item, unknown)

    def item_in(self, folder: Path, item_id: str) -> Item | None:
        """The item with this id whose document `write_item` wrote into `folder` before a crash."""
        document = _document_in(folder, item_id)
        return None if document is None else document.value

    def find(self, item: Item) -> Path | None:
        """The original, wherever it lies; None when it is not there or the item has none."""
        tree = self._tree_of(item)
        return None if tree is None else tree.path(item.original)

    def media_facts(self, item: Item) -> Path | None:
        """The file with ffprobe's description of the original; None when there is none (items of older versions)."""
        name = f"{item.id}/{MEDIA}"
        return self._tree.path(name) if self._tree.is_file(name) else None

    def was_deleted(self, item: Item) -> bool:
        """Whether the original was deleted as the configuration demands: it cannot be processed again."""
        return self._tree.exists(f"{item.id}/{_DELETED}") and self.find(item) is None

    # The original of a finished video

    def put_into_archive(self, item: Item, stop: Stop) -> bool:
        """Move the original to the archive, read back and compared. Returns whether there was anything to do."""
        if self._archive is None or self._tree_of(item) is not self._tree:
            return False
        self._archive.copy_in(self._tree.path(item.original), item.original, stop)
        self._tree.unlink(item.original)
        return True

    def delete(self, item: Item) -> bool:
        """Delete the original and note that this was intended. Returns whether there was anything to do."""
        tree = self._tree_of(item)
        if tree is None:
            return False
        self._tree.write(_DELETION, f"{item.id}/{_DELETED}", _Deletion(round(time.time(), 3)))
        tree.unlink(item.original)
        return True

    # The trash

    def remove(self, item: Item, keep_until: float) -> None:
        """Move the item to the trash, until `keep_until` (epoch seconds), replacing an older one there."""
        is_here, in_trash = self._tree.exists(item.id), _in_trash(item.id)
        if is_here:
            self._tree.make_folder(TRASH)
            self._tree.remove(in_trash)
        if is_here or self._tree.exists(in_trash):
            self._tree.write(_TRASH_NOTE, _note(item), _TrashNote(keep_until))
        if is_here:
            self._tree.rename(item.id, in_trash)

    def removed(self) -> Iterator[tuple[Item, float]]:
        """The items in the trash, and until when each is kept (epoch seconds); unreadable ones are skipped."""
        for item in self._scan(TRASH, frozenset()).items:
            with suppress(OSError, Malformed, NewerFormat):
                note = self._tree.read(_TRASH_NOTE, _note(item))
                if note is not None:
                    yield item, note.value.keep_until

    def in_trash(self, item_id: str) -> Item | None:
        """The item with this id in the trash. Raises OSError, Malformed and NewerFormat."""
        return self._read_item(_in_trash(item_id))

    def restore(self, item: Item) -> None:
        """Bring an item back from the trash. Raises BadInput when it is not there, or was dropped again."""
        in_trash = self._tree.exists(_in_trash(item.id))
        if in_trash == self._tree.exists(item.id):
            raise BadInput(f"{item.title} cannot be restored: it was dropped again, or is gone.")
        if in_trash:
            self._tree.rename(_in_trash(item.id), item.id)
        self._tree.unlink(_note(item))

    def is_only_in_archive(self, item: Item) -> bool:
        """Whether the original of an item in the trash can only be in the archive."""
        if self._archive is None or not isinstance(item.source, File):
            return False
        names = (PurePosixPath(item.original).name, _DELETED)
        return not any(self._tree.exists(f"{_in_trash(item.id)}/{name}") for name in names)

    def purge(self, item: Item) -> None:
        """Delete an item in the trash for good. Raises Unavailable when something of it cannot be deleted."""
        try:
            self._tree.remove(_in_trash(item.id))
            if self._archive is not None and not self._tree.exists(item.id):
                self._archive.remove(item.id)
            self._tree.unlink(_note(item))
        except OSError as error:
            raise Unavailable(f"{item.slug} cannot be deleted from the trash: {error}.") from error

    def _tree_of(self, item: Item) -> Tree | None:
        if not isinstance(item.source, File):
            return None
        trees = (self._tree, self._archive)
        return next((tree for tree in trees if tree is not None and tree.is_file(item.original)), None)

    def _scan(self, folder: str, but: Collection[str]) -> Scan:
        items, unreadable = [], []
        for name in self._tree.names(folder):
            if name in but:
                continue
            try:
                item = self._read_item(f"{folder}/{name}")
            except (Malformed, NewerFormat) as error:
                unreadable.append(str(error))
            except OSError as error:
                unreadable.append(
                    f"{error.filename or self._tree.path(name)} cannot be read: {error.strerror}."
                )
            else:
                items += [] if item is None else [item]
        return Scan(tuple(items), tuple(unreadable))

    def _read_item(self, folder: str) -> Item | None:
        document = self._tree.read(item_document.FORMAT, f"{folder}/{item_document.NAME}")
        return None if document is None else document.value


def _document_in(folder: Path, item_id: str) -> Document[Item] | None:
    """The document of this item in a claim's folder; None for any other one, which is written anew."""
    with suppress(Malformed):
        document = Tree(folder).read(item_document.FORMAT, item_document.NAME)
        if document is not None and document.value.id == item_id:
            return document
    return None


def _in_trash(item_id: str) -> str:
    return f"{TRASH}/{item_id}"


def _note(item: Item) -> str:
    return f"{TRASH}/{item.id}.json"
