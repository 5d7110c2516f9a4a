"""The workshop of a library: everything below its root that is not for viewers.

    <library>/.workshop/                                    mode 0700: a web server's user can't read it
        items/<slug>/receipts/<step folder>/<part>.json     receipts of an unfinished step
        items/<slug>/private/<step folder>/                 artifacts that only other stages read
        trash/<slug>/                                       a removed video: its public folder, and in it …
        trash/<slug>/.workshop/                             … its part of the workshop

Up to 0.1.0 receipts were in `<step folder>/parts/` and the trash was `<library>/.trash/`. Both are taken over as they are.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from vlogd.core import files

WORKSHOP = ".workshop"
_TRASH = "trash"
_EARLIER_TRASH = ".trash"
_RECEIPTS = "receipts"
_PRIVATE = "private"


class Workshop:
    """The workshop of the library at `root`. Folders are made when they are needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root / WORKSHOP

    def open(self) -> Path:
        """The workshop's folder, made if it is missing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.folder

    def receipts(self, slug: str, step_folder: str) -> Path:
        """Where the receipts of a step lie, by the name of its folder."""
        return self._item(slug) / _RECEIPTS / step_folder

    def private(self, slug: str) -> Path:
        """The folder of a video's private artifacts."""
        return self._item(slug) / _PRIVATE

    def forget_receipts(self, slug: str, step_folder: str) -> None:
        """Delete the receipts of a step, which is finished or gone."""
        shutil.rmtree(self.receipts(slug, step_folder), ignore_errors=True)
        for folder in (self._item(slug) / _RECEIPTS, self._item(slug)):
            with suppress(OSError):  # not empty, or not there
                folder.rmdir()

    def receipt_folders(self, slug: str) -> list[str]:
        """The names of the step folders that have receipts."""
        with suppress(FileNotFoundError):
            return sorted(os.listdir(self._item(slug) / _RECEIPTS))  # noqa: PTH208 - names only
        return []

    # The trash

    def discard(self, home: Path) -> None:
        """Move a video's public folder and its part of the workshop to the trash. Repeating it is harmless."""
        target, item = self.trash() / home.name, self._item(home.name)
        if home.exists():
            shutil.rmtree(target, ignore_errors=True)
            home.rename(target)
            files.sync_folder(home.parent)
        if item.exists():
            target.mkdir(exist_ok=True)
            shutil.rmtree(target / WORKSHOP, ignore_errors=True)
            item.rename(target / WORKSHOP)
        files.sync_folder(target.parent)

    def restore(self, home: Path) -> None:
        """Bring a video back, if it is in the trash and no new one has been started in its place."""
        source = self.trash() / home.name
        if not source.exists() or home.exists():
            return
        item = self._item(home.name)
        if (source / WORKSHOP).exists() and not item.exists():
            item.parent.mkdir(parents=True, exist_ok=True)
            (source / WORKSHOP).rename(item)
            files.sync_folder(item.parent)
        home.parent.mkdir(parents=True, exist_ok=True)
        source.rename(home)
        files.sync_folder(home.parent)

    def in_trash(self, slug: str) -> Path:
        """Where a removed video lies, if it does."""
        return self.folder / _TRASH / slug

    def purge(self, slug: str) -> None:
        """Delete a video's folders in the trash."""
        shutil.rmtree(self.trash() / slug, ignore_errors=True)

    def discarded(self) -> list[str]:
        """The names in the trash: slugs of removed videos, and folders that belonged to none."""
        return sorted(os.listdir(self.trash()))  # noqa: PTH208 - names only

    def discard_stray(self, folder: Path) -> Path:
        """Move a folder that belongs to no video to the trash, under a free name; its new path."""
        return files.rename_to_free_name(folder, self.trash() / folder.name)

    def trash(self) -> Path:
        """The trash, made if it is missing, with the content of its earlier location."""
        trash = self.open() / _TRASH
        trash.mkdir(mode=0o700, exist_ok=True)
        earlier = self._root / _EARLIER_TRASH
        if earlier.is_dir() and not earlier.is_symlink():
            for entry in list(os.scandir(earlier)):
                files.rename_to_free_name(Path(entry.path), trash / entry.name)
            earlier.rmdir()
        return trash

    def _item(self, slug: str) -> Path:
        return self.folder / "items" / slug
