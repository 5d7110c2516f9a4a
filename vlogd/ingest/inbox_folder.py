"""The one way into an inbox: everything below it is reached from its open folder, name by name, and never through a link.

Whoever may write into an inbox may exchange any name in it at any moment. What is reached here lies in the inbox, and
what is done to it is done to what was reached. The inbox's own path is its owner's and may hold links: it is
resolved at each opening. No descriptor is kept between two operations: it would keep the disk from being unmounted
(umount(8)), and an inbox that was replaced or mounted anew needs no care so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vlogd.core import files
from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.ingest.ignored_names import FAILED


class Entry(NamedTuple):
    """A name in an open folder."""

    folder: Folder
    name: str


def identity(inbox: Path) -> tuple[int, int] | None:
    """Device and inode, so that a recreated or remounted inbox is recognised as another one; None when it is missing."""
    try:
        with Folder.at(inbox) as folder:
            status = folder.own_status()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def entry(inbox: Path, path: Path) -> Iterator[Entry]:
    """`path`, which is below the inbox, as a name in its open folder.

    Raises OSError: FileNotFoundError also when a folder on the way is a link, or no folder at all.
    """
    *folders, name = path.relative_to(inbox).parts
    with Folder.at(inbox) as root, _below(root, folders) as folder:
        yield Entry(folder, name)


def put_back(folder: Folder, name: str, inbox: Path, path: Path) -> None:
    """Rename to `path` in the inbox, or the same with a number where that is taken. Makes the folders on the way.

    The path lies elsewhere when the inbox has another folder by now: then only its name counts. Raises OSError when that cannot be, such as NotADirectoryError when a link took the place of a folder.
    """
    folders = path.relative_to(inbox).parts[:-1] if path.is_relative_to(inbox) else ()
    parent = Folder.at(inbox)
    for below in folders:
        with parent:
            parent = parent.make_folder(below)
    with parent:
        files.move_to_free_name(folder, name, parent, path.name)


@contextmanager
def failed(inbox: Path, *, create: bool = False) -> Iterator[Folder]:
    """The inbox's open `_failed`. Raises Unavailable with a sentence when it cannot be used."""
    try:
        with Folder.at(inbox) as root:
            folder = root.make_folder(FAILED) if create else root.folder(FAILED)
    except NotADirectoryError as error:
        raise Unavailable(
            f"{inbox / FAILED} cannot be used: it is a link, or no folder. Remove it."
        ) from error
    except OSError as error:
        raise Unavailable(f"{inbox / FAILED} cannot be used: {error.strerror}.") from error
    with folder:
        yield folder


def _below(root: Folder, folders: list[str]) -> Folder:
    try:
        return root.below(folders)
    except NotADirectoryError as error:
        raise FileNotFoundError(error.errno, "a folder on its path is a link or no folder") from error
