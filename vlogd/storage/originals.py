"""Where originals lie, and where they go.

    <originals>/<item id>/.vlogd-item.json     the item: from it a lost journal is rebuilt
    <originals>/<item id>/<file name>          its original
    <archive>/<item id>/<file name>            … which lies here once it was archived
    <originals>/<item id>/.vlogd-deleted.json  … or was deleted, as `keeping.originals` said
    <originals>/.trash/<item id>/              a removed item: this rename is the commit point
    <originals>/.trash/<item id>.json          until when it is kept

Each function may be called again after a crash in the middle of it.
"""

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, Malformed, NewerFormat, Unavailable
from vlogd.core.model import File, Item
from vlogd.storage import item_document

MEDIA = ".vlogd-media.json"
"""Beside an original: ffprobe's description of it (`media.description`)."""

TRASH = ".trash"
_DELETED = ".vlogd-deleted.json"


@dataclass(frozen=True)
class Scan:
    """What was found beside the originals: the items, and a sentence for each one that could not be read."""

    items: tuple[Item, ...]
    unreadable: tuple[str, ...]


class Originals:
    """One originals folder and, where configured, the archive that its files move to."""

    def __init__(self, root: Path, archive: Path | None = None) -> None:
        self.root = root
        self.archive = archive

    def scan(self, but: Collection[str] = frozenset()) -> Scan:
        """All accepted items, by what lies beside their originals; those with these ids are not read.

        Raises OSError when the folder itself cannot be listed. One that isn't there holds nothing.
        """
        return _scan(self.root, but)

    def item(self, item_id: str) -> Item | None:
        """The item with this id, whether its file is still there or not.

        Raises OSError, Malformed and NewerFormat: only None means that there is none.
        """
        return _read_item(self.root / item_id)

    def write_item(self, folder: Path, item: Item) -> None:
        """Write an item's document into `folder`, with the unknown keys of the one that it replaces.

        `folder` may be one that is yet to become the item's own. Raises OSError, Malformed and NewerFormat.
        """
        unknown: Mapping[str, Any] = {}
        with suppress(FileNotFoundError):
            unknown = item_document.FORMAT.read(self.root / item.id / item_document.NAME).unknown
        item_document.FORMAT.write(folder / item_document.NAME, item, unknown)

    def find(self, item: Item) -> Path | None:
        """The original, wherever it lies; None when it is not there."""
        if not isinstance(item.source, File):
            return None
        places = [self.root, *([self.archive] if self.archive else [])]
        return next((place / item.original for place in places if (place / item.original).is_file()), None)

    def media_facts(self, item: Item) -> Path:
        """Where ffprobe's description of the original lies; items of vlogd 0.1 have none."""
        return self.root / item.id / MEDIA

    def was_deleted(self, item: Item) -> bool:
        """Whether the original was deleted as the configuration said: nothing can be made of it again."""
        return (self.root / item.id / _DELETED).exists() and self.find(item) is None

    # What happens to the original of a finished video

    def put_into_archive(self, item: Item, stop: Stop) -> bool:
        """Move the original to the archive, read back and compared. Whether there was anything to do."""
        source = self.root / item.original
        if self.archive is None or not source.is_file():
            return False
        target = self.archive / item.original
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and digest.same_bytes(source, target, stop)):
            files.sweep_temporary(target.parent, "")
            copied = files.copy_beside(source, target, stop)
            if not digest.same_bytes(source, copied, stop):
                copied.unlink()
                raise Unavailable(f"The copy of {source} in the archive differs; its disk is to be checked.")
            copied.replace(target)
        files.sync_file(target)
        files.sync_folder(target.parent)
        files.sync_folder(self.archive)
        source.unlink()
        return True

    def delete(self, item: Item) -> bool:
        """Delete the original and remember that it was meant. Whether there was anything to do."""
        found = self.find(item)
        if found is None:
            return False
        files.write_json(self.root / item.id / _DELETED, {"deleted_at": round(time.time(), 3)})
        found.unlink()
        return True

    # The trash

    def remove(self, item: Item, keep_until: float) -> None:
        """Move the item to the trash, where it is kept until then (epoch seconds); an older one there goes."""
        home, target = self.root / item.id, self._lying(item.id)
        if home.exists():
            target.parent.mkdir(exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            files.write_json(self._note(item), {"keep_until": keep_until})
            home.rename(target)
            files.sync_folder(target.parent)
            files.sync_folder(self.root)
        elif target.exists():
            files.write_json(self._note(item), {"keep_until": keep_until})

    def removed(self) -> Iterator[tuple[Item, float]]:
        """What lies in the trash, and until when (epoch seconds); what cannot be read there is left alone."""
        for item in _scan(self.root / TRASH, frozenset()).items:
            with suppress(OSError, ValueError, KeyError):
                yield item, float(files.read_json(self._note(item))["keep_until"])

    def in_trash(self, item_id: str) -> Item | None:
        """The item with this id that lies in the trash."""
        return _read_item(self._lying(item_id))

    def restore(self, item: Item) -> None:
        """Bring an item back from the trash. Raises BadInput when it is not there, or was dropped again."""
        home, lying = self.root / item.id, self._lying(item.id)
        if lying.exists() == home.exists():
            raise BadInput(f"{item.title} cannot be restored: it was dropped again, or is gone.")
        if lying.exists():
            lying.rename(home)
            files.sync_folder(self.root)
        self._note(item).unlink(missing_ok=True)

    def is_only_in_archive(self, item: Item) -> bool:
        """Whether the original of an item in the trash can only lie in the archive."""
        lying = self._lying(item.id)
        here = (lying / Path(item.original).name).exists() or (lying / _DELETED).exists()
        return self.archive is not None and not here

    def purge(self, item: Item) -> None:
        """Delete an item that lies in the trash, for good."""
        shutil.rmtree(self._lying(item.id), ignore_errors=True)
        if self.archive is not None and not (self.root / item.id).exists():
            shutil.rmtree(self.archive / item.id, ignore_errors=True)
        self._note(item).unlink(missing_ok=True)

    def _lying(self, item_id: str) -> Path:
        return self.root / TRASH / item_id

    def _note(self, item: Item) -> Path:
        return self.root / TRASH / f"{item.id}.json"


def _scan(folder: Path, but: Collection[str]) -> Scan:
    items, unreadable = [], []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in but:
                continue
            try:
                item = _read_item(Path(entry.path))
            except (Malformed, NewerFormat) as error:
                unreadable.append(str(error))
            except OSError as error:
                unreadable.append(f"{error.filename or entry.path} cannot be read: {error.strerror}.")
            else:
                items += [] if item is None else [item]
    return Scan(tuple(items), tuple(unreadable))


def _read_item(home: Path) -> Item | None:
    """The item of a folder; None when there is none. Raises OSError, Malformed and NewerFormat."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return item_document.FORMAT.read(home / item_document.NAME).value
    return None
