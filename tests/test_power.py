"""A power cut: what was not synced is gone. Nothing may depend on it.

`Disk` is a fake of a disk with a write cache and a journaling file system: after the cut a file has the
bytes that it had when it was last synced, or none; names are as they were at some moment after the
last sync of anything, in the order in which they were changed (as on ext4, XFS or Btrfs).
"""

import errno
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from clips import stamped
from engine import Crash, Engine, published
from taking import seen
from toy_stages import ToySettings, pipeline

from vlogd.core.descriptors import Folder
from vlogd.core.files import sweep_temporary
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake
from vlogd.media.process import Limits
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

STAGES = ("first", "left", "right", "last")


class Disk:
    """Watches everything below `root` while it is entered; raises Crash before operation number `cut`."""

    def __init__(self, root: Path, cut: int, seed: int) -> None:
        self._root = root
        self._left = cut
        self._random = random.Random(seed)
        self._held: list[int] = []  # a file that is held open keeps its inode number for itself
        self._data = {path.stat().st_ino: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        self._states = [self._names()]
        self._patches = pytest.MonkeyPatch()

    def __enter__(self) -> Self:
        real_sync = os.fsync

        def sync(descriptor: int) -> None:
            self._count()
            real_sync(descriptor)
            self._held.append(os.dup(descriptor))
            path = Path(f"/proc/self/fd/{descriptor}")
            if path.is_file():
                self._data[os.fstat(descriptor).st_ino] = path.read_bytes()
            self._states = [self._names()]

        def counted(change: Callable[..., Any]) -> Callable[..., Any]:
            def changing(*arguments: Any, **options: Any) -> Any:
                self._count()
                found = change(*arguments, **options)
                self._states.append(self._names())
                return found

            return changing

        self._patches.setattr(os, "fsync", sync)
        for kind, names in (
            (Path, ("rename", "replace", "unlink")),
            (Folder, ("rename", "rename_new", "unlink")),
        ):
            for name in names:
                self._patches.setattr(kind, name, counted(getattr(kind, name)))
        return self

    def __exit__(self, *_error: object) -> None:
        self._patches.undo()

    def come_back(self) -> None:
        """Leave below `root` what the disk has after the cut."""
        names = self._random.choice([*self._states, self._names()])
        for path in self._root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, inode in sorted(names.items()):
            path = self._root / name
            if inode is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self._data.get(inode, b""))
        for descriptor in self._held:
            os.close(descriptor)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Crash

    def _names(self) -> dict[str, int | None]:
        return {
            str(path.relative_to(self._root)): None if path.is_dir() else path.stat().st_ino
            for path in self._root.rglob("*")
        }


def test_in_the_middle_of_the_work(tmp_path: Path) -> None:
    """At every single operation of two items' work: the journal, on another disk, may know more than the library."""
    settings = {name: ToySettings() for name in STAGES}

    def start(home: Path) -> Engine:
        return Engine(home, pipeline(), settings)

    def drop(engine: Engine) -> None:
        engine.drop("0000", "abc")
        engine.drop("0001", "cab")

    quiet = start(tmp_path / "quiet")
    drop(quiet)
    quiet.run()
    quiet.close()
    expected = published(tmp_path / "quiet/library")
    cut, cut_short = 0, True
    while cut_short:
        home = tmp_path / f"cut-{cut}"
        engine = start(home)
        drop(engine)
        disk = Disk(home / "library", cut, seed=cut)
        try:
            with disk:
                engine.run()
            cut_short = False
        except Crash:
            pass
        engine.close()
        disk.come_back()
        again = start(home)
        again.run()
        again.close()
        sweep_temporary(home / "library", "")  # as `install_site` does at a start
        assert published(home / "library") == expected, f"cut before operation {cut}"
        shutil.rmtree(home)
        cut += 3
    assert cut > 100


@pytest.mark.parametrize("same_disk", [True, False])
def test_while_a_file_is_taken(tmp_path: Path, same_disk: bool) -> None:
    """Renamed or copied: the file is in the inbox or among the originals, whole, and becomes one item."""
    clip = stamped(tmp_path / "film.mp4", seconds=1).read_bytes()
    cut, cut_short = 0, True
    while cut_short:
        root = tmp_path / f"cut-{cut}"
        (root / "inbox").mkdir(parents=True)
        (root / "originals").mkdir()
        (root / "inbox/film.mp4").write_bytes(clip)
        inbox = Inbox("main", root / "inbox")
        intake = Intake(Originals(root / "originals"), Limits(), threading.Event(), Volumes(tmp_path, {}, 0))
        disk = Disk(root, cut, seed=cut)
        try:
            with disk:
                if same_disk:
                    take(intake, inbox)
                else:
                    with across():
                        take(intake, inbox)
            cut_short = False
        except Crash:
            pass
        disk.come_back()
        list(intake.resume({"main": inbox}))
        if (root / "inbox/film.mp4").exists():
            take(intake, inbox)
        (item,) = Originals(root / "originals").scan().items
        assert (root / "originals" / item.original).read_bytes() == clip, f"cut before operation {cut}"
        assert list((root / "inbox").iterdir()) == []
        assert list((root / "originals/.incoming").iterdir()) == []
        cut += 1
    assert cut > 8


def take(intake: Intake, inbox: Inbox) -> None:
    """Take the one file."""
    path = inbox.folder / "film.mp4"
    intake.take(path, inbox, seen(path))


class across:  # noqa: N801 - reads as a word: "with across()"
    """The inbox's disk is another one: renaming out of it fails as rename(2) does then."""

    def __enter__(self) -> None:
        self._patches = pytest.MonkeyPatch()
        real = Folder.rename

        def rename(folder: Folder, name: str, to: Folder, new_name: str) -> None:
            if folder.own_status().st_ino != to.own_status().st_ino:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            real(folder, name, to, new_name)

        self._patches.setattr(Folder, "rename", rename)

    def __exit__(self, *_error: object) -> None:
        self._patches.undo()
