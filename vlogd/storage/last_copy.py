"""What must hold before a file goes that may be the last copy of somebody's video: the one list of it.

**Archived** (`Originals.put_into_archive`): the original is unlinked because the archive holds it.

1. Original and copy are two files in two folders: not one file seen through a link or a mount (`check_two_files`,
   before the copy is made and once more before the original goes).
2. The copy was synced, read back from its disk, and has the SHA-256 of the original (`Tree.copy_in`).
3. That is the SHA-256 that was noted earlier, if any: a file that has changed since is no longer what was accepted.
4. The archive is the volume that it was before, by its mark (`archive_is_there`), after the copy was made.
5. The item is still at home: what was removed meanwhile keeps its original in the trash.

**Deleted** (`Originals.delete`), because `keeping.originals` demands it.

1. The file has the size with which it was accepted, and its SHA-256 is noted, so that it is known when it is dropped again.
2. The note that this was intended is on the disk.

**Purged** (`Originals.purge`): a removed item goes for good.

1. It lies in the trash: only a path below `.trash` is deleted, never an item's home.
2. Its archived file goes only while no item of that id is at home: a new drop of the same file owns it then. Nothing else in
   that folder of the archive goes with it.
3. The archive's disk is there if the file can only be on it (`Originals.is_only_in_archive`, which the caller asks).

When and whether, by the clock and by request, is decided by the engine.
"""

from collections.abc import Callable
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.core.model import Item


def check_two_files(original: Path, copy: Path) -> None:
    """Raise Unavailable when two paths lead to one file, or to one folder. `copy` need not be there yet.

    Device and inode tell: a bind mount and a link share both with what they show (stat(2)).
    """
    for one, other in ((original, copy), (original.parent, copy.parent)):
        if other.exists() and one.samefile(other):
            raise Unavailable(
                f"{other} is {one} itself, by a link or a mount: there is no second copy, and nothing was deleted. "
                "Make `keeping.archive` a folder of its own."
            )


def check_archived(
    original: Path, copy: Path, sha256: str, noted: str | None, archive_is_there: Callable[[], None]
) -> None:
    """Raise Unavailable unless `original` may be unlinked; `sha256` is what the copy has according to its disk."""
    check_two_files(original, copy)
    if noted is not None and noted != sha256:
        raise _has_changed(original)
    archive_is_there()


def check_size(original: Path, item: Item) -> None:
    """Raise Unavailable when the original has another size than the file that was accepted."""
    if original.stat().st_size != item.size_bytes:
        raise _has_changed(original)


def _has_changed(original: Path) -> Unavailable:
    return Unavailable(
        f"{original} has changed since it was accepted, so it stays where it is; look at it, and run "
        "`vlogd fsck --deep`."
    )
