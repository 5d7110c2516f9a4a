"""Where originals lie, and where they go.

    <originals>/<item id>/.vlogd-item.json     the item: from it a lost journal is rebuilt
    <originals>/<item id>/<file name>          its original
    <archive>/<item id>/<file name>            … which lies here once it was archived
    <originals>/<item id>/.vlogd-deleted.json  … or was deleted, as `keeping.originals` said
    <originals>/<item id>/.vlogd-removal.json  the item is to go to the trash
    <originals>/.trash/<item id>/              it has gone: this rename is the commit point

Each function may be called again after a crash in the middle of it.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vlogd import digest, files
from vlogd.errors import Unavailable
from vlogd.model import Item
from vlogd.stop import Stop

ITEM = ".vlogd-item.json"
TRASH = ".trash"
_DELETED = ".vlogd-deleted.json"
_REMOVAL = ".vlogd-removal.json"


class Originals:
    """One originals folder and, where configured, the archive that its files move to."""

    def __init__(self, root: Path, archive: Path | None = None) -> None:
        self.root = root
        self.archive = archive

    def items(self) -> Iterator[Item]:
        """All accepted items, by what lies beside their originals."""
        return _items(self.root)

    def item(self, item_id: str) -> Item | None:
        """The item with this id, whether its file is still there or not."""
        return _read_item(self.root / item_id)

    def find(self, item: Item) -> Path | None:
        """The original, wherever it lies; None when it is not there."""
        places = [self.root, *([self.archive] if self.archive else [])]
        return next((place / item.original for place in places if (place / item.original).is_file()), None)

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
            files.sync_folder(target.parent)
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

    def wish_removal(self, item: Item, keep_until: float) -> None:
        """Note, durably, that the item is to go, and until when (epoch seconds) it is kept in the trash."""
        home = self.root / item.id
        if home.is_dir():
            files.write_json(home / _REMOVAL, {"keep_until": keep_until})

    def wished(self) -> Iterator[tuple[Item, float]]:
        """Items that are to go and have not gone, because a crash came between; as `removed`."""
        return _leaving(self.root)

    def remove(self, item: Item) -> None:
        """Move the item to the trash. An older one of the same content there is replaced."""
        home, target = self.root / item.id, self.root / TRASH / item.id
        if not home.exists():
            return
        target.parent.mkdir(exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        home.rename(target)
        files.sync_folder(target.parent)
        files.sync_folder(self.root)

    def removed(self) -> Iterator[tuple[Item, float]]:
        """What lies in the trash, and until when (epoch seconds)."""
        return _leaving(self.root / TRASH)

    def restore(self, item: Item) -> None:
        """Bring an item back from the trash. Raises Unavailable when it is not there, or was dropped again."""
        home, lying = self.root / item.id, self.root / TRASH / item.id
        if home.exists() or not lying.exists():
            raise Unavailable(
                f"{item.title} cannot be restored: it is not in the trash, or was dropped again."
            )
        lying.rename(home)
        (home / _REMOVAL).unlink(missing_ok=True)
        files.sync_folder(self.root)

    def purge(self, item: Item) -> None:
        """Delete an item that lies in the trash, for good."""
        shutil.rmtree(self.root / TRASH / item.id)
        if self.archive is not None and not (self.root / item.id).exists():
            shutil.rmtree(self.archive / item.id, ignore_errors=True)


def _items(folder: Path) -> Iterator[Item]:
    with suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if not entry.name.startswith("."):
                item = _read_item(Path(entry.path))
                if item is not None:
                    yield item


def _leaving(folder: Path) -> Iterator[tuple[Item, float]]:
    for item in _items(folder):
        with suppress(OSError, ValueError, KeyError):
            yield item, float(files.read_json(folder / item.id / _REMOVAL)["keep_until"])


def _read_item(home: Path) -> Item | None:
    with suppress(OSError, ValueError, TypeError):
        return Item(**files.read_json(home / ITEM))
    return None
