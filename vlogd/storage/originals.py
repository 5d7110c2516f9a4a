"""Where originals are stored, and where they move.

    <originals>/<item id>/.vlogd-item.json     the item: from it a lost journal is rebuilt
    <originals>/<item id>/.vlogd-media.json    ffprobe's description of the original
    <originals>/<item id>/<file name>          the original
    <archive>/<item id>/<file name>            … which lies here once it was archived
    <originals>/<item id>/.vlogd-deleted.json  … or was deleted, as `keeping.originals` demands
    <originals>/<item id>/.vlogd-sha256.json   the SHA-256 of the whole original, once it was read for that
    <originals>/.trash/<item id>/              a removed item: the rename is the commit point
    <originals>/.trash/<item id>.json          until when it is kept
    <originals>/.set-aside/<item id>-<n>/      what lay in the place of an item (`set_aside`)

Each method may be called again after a crash in the middle of it. All raise OSError when a disk fails. What must hold
before a file goes that may be the last copy: `last_copy`.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.documents import Document
from vlogd.core.errors import BadInput, Malformed, NewerFormat, Unavailable
from vlogd.core.model import File, Item
from vlogd.storage import item_document, last_copy
from vlogd.storage import original_notes as notes
from vlogd.storage.tree import Tree

TRASH = ".trash"


@dataclass(frozen=True)
class Scan:
    """The result of a scan of the originals: the items, and a sentence for each one that could not be read."""

    items: tuple[Item, ...]
    unreadable: tuple[str, ...]


class Originals:
    """One originals folder and, where configured, the archive that its files move to.

    Threads share it. What moves or deletes an item's files holds a lock meanwhile; copying to the archive takes minutes and
    does not.
    """

    def __init__(self, root: Path, archive: Path | None = None) -> None:
        self.root = root
        self.archive = archive
        self._tree = Tree(root)
        self._archive = None if archive is None else Tree(archive)
        self._moving = threading.Lock()
        self._purged_while_copied: dict[str, bool] = {}

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
        if earlier is None and (begun := _document_in(folder)) is not None and begun.value.id == item.id:
            earlier = begun
        unknown = {} if earlier is None else earlier.unknown
        Tree(folder).write(item_document.FORMAT, item_document.NAME, item, unknown)

    def item_in(self, folder: Path) -> Item | None:
        """The item whose document `write_item` wrote into `folder` before a crash."""
        document = _document_in(folder)
        return None if document is None else document.value

    def find(self, item: Item) -> Path | None:
        """The original, wherever it lies; None when it is not there or the item has none."""
        tree = self._tree_of(item)
        return None if tree is None else tree.path(item.original)

    def media_facts(self, item: Item) -> Path | None:
        """The file with ffprobe's description of the original; None when there is none (items of older versions)."""
        name = f"{item.id}/{notes.MEDIA}"
        return self._tree.path(name) if self._tree.is_file(name) else None

    def was_deleted(self, item: Item) -> bool:
        """Whether the original was deleted as the configuration demands: it cannot be processed again."""
        return self._tree.exists(f"{item.id}/{notes.DELETED}") and self.find(item) is None

    # The original of a finished video

    def sha256(self, item: Item, *, removed: bool = False) -> str | None:
        """The SHA-256 of the whole original, where it was noted. Raises Malformed and NewerFormat, too.

        With `removed`, of an item in the trash.
        """
        folder = _in_trash(item.id) if removed else item.id
        note = self._tree.read(notes.FULL_DIGEST, f"{folder}/{notes.SHA256}")
        return None if note is None else note.value.sha256

    def note_sha256(self, folder: Path, sha256: str) -> None:
        """Note the SHA-256 of the original in `folder`, an item's or a claim's that becomes one."""
        Tree(folder).write(notes.FULL_DIGEST, notes.SHA256, notes.FullDigest(sha256))

    def measure(self, item: Item, stop: Stop) -> None:
        """Read the original once and note its SHA-256, if it is there and has none yet.

        Raises Stopping in the middle, and Unavailable when the file has changed since it was accepted.
        """
        path = self.find(item)
        if path is None or self.sha256(item) is not None:
            return
        last_copy.check_size(path, item)
        sha256 = digest.of_large_file(path, stop)
        with self._moving:
            if self.find(item) is not None:
                self.note_sha256(self._tree.path(item.id), sha256)

    def put_into_archive(self, item: Item, stop: Stop, archive_is_there: Callable[[], None]) -> bool:
        """Move the original to the archive. Returns whether it was moved: not if it is not here, or was removed meanwhile.

        `archive_is_there` raises Unavailable when the archive's disk is away. Raises Unavailable, Stopping and OSError.
        """
        if self._archive is None or self._tree_of(item) is not self._tree:
            return False
        original, copy = self._tree.path(item.original), self._archive.path(item.original)
        last_copy.check_two_files(original, copy)
        last_copy.check_size(original, item)
        self._purged_while_copied[item.id] = False
        try:
            sha256 = self._archive.copy_in(original, item.original, stop)
            with self._moving:
                if not self._tree.is_file(item.original):
                    return False
                last_copy.check_archived(original, copy, sha256, self.sha256(item), archive_is_there)
                self.note_sha256(original.parent, sha256)
                self._tree.unlink(item.original)
                return True
        finally:
            with self._moving:
                if self._purged_while_copied.pop(item.id):
                    _drop_archived(self._archive, item)

    def delete(self, item: Item, stop: Stop) -> bool:
        """Delete the original and note that this was intended. Returns whether there was anything to do.

        Raises Stopping while it is read for its SHA-256, and Unavailable when it has changed since it was accepted.
        """
        tree = self._tree_of(item)
        if tree is None:
            return False
        last_copy.check_size(tree.path(item.original), item)
        self.measure(item, stop)
        with self._moving:
            if not tree.is_file(item.original):
                return False
            self._tree.write(
                notes.DELETION, f"{item.id}/{notes.DELETED}", notes.Deletion(round(time.time(), 3))
            )
            tree.unlink(item.original)
        return True

    # The trash

    def remove(self, item: Item, keep_until: float) -> None:
        """Move the item to the trash, until `keep_until` (epoch seconds), replacing an older one there."""
        with self._moving:
            is_here, in_trash = self._tree.exists(item.id), _in_trash(item.id)
            if is_here:
                self._tree.make_folder(TRASH)
                self._tree.remove(in_trash)
            if is_here or self._tree.exists(in_trash):
                self._tree.write(notes.TRASH_NOTE, _note(item), notes.TrashNote(keep_until))
            if is_here:
                self._tree.rename(item.id, in_trash)

    def trash(self) -> Scan:
        """All items in the trash, also those whose note cannot be read. Raises OSError when it cannot be listed."""
        return self._scan(TRASH, frozenset())

    def removed(self) -> Iterator[tuple[Item, float]]:
        """The items in the trash, and until when each is kept (epoch seconds); unreadable ones are skipped."""
        for item in self._scan(TRASH, frozenset()).items:
            with suppress(OSError, Malformed, NewerFormat):
                note = self._tree.read(notes.TRASH_NOTE, _note(item))
                if note is not None:
                    yield item, note.value.keep_until

    def in_trash(self, item_id: str) -> Item | None:
        """The item with this id in the trash. Raises OSError, Malformed and NewerFormat."""
        return self._read_item(_in_trash(item_id))

    def find_removed(self, item: Item) -> Path | None:
        """The original of an item in the trash, there or in the archive; None when it is in neither."""
        name = f"{_in_trash(item.id)}/{PurePosixPath(item.original).name}"
        return self._tree.path(name) if self._tree.is_file(name) else self.find(item)

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
        names = (PurePosixPath(item.original).name, notes.DELETED)
        return not any(self._tree.exists(f"{_in_trash(item.id)}/{name}") for name in names)

    def purge(self, item: Item) -> None:
        """Delete an item in the trash for good. Raises Unavailable when something of it cannot be deleted."""
        try:
            with self._moving:
                self._tree.remove(_in_trash(item.id))
                if self._archive is not None and not self._tree.exists(item.id):
                    _drop_archived(self._archive, item)
                    if item.id in self._purged_while_copied:
                        self._purged_while_copied[item.id] = True
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


def _document_in(folder: Path) -> Document[Item] | None:
    """The item's document in a claim's folder; None for a damaged one, which is written anew."""
    with suppress(Malformed):
        return Tree(folder).read(item_document.FORMAT, item_document.NAME)
    return None


def _drop_archived(archive: Tree, item: Item) -> None:
    """Delete the archived original, with what a copy that was cut short left. Another file there is another item's."""
    if isinstance(item.source, File):
        folder = archive.path(item.original).parent
        archive.unlink(item.original)
        files.sweep_temporary(folder, "")
        with suppress(OSError):  # it holds something else, or is not there
            folder.rmdir()


def _in_trash(item_id: str) -> str:
    return f"{TRASH}/{item_id}"


def _note(item: Item) -> str:
    return f"{TRASH}/{item.id}.json"
