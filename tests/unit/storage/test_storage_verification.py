"""Marks: what of an item's folders is noticed by their times alone."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vlogd.core.model import File, Item
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.verification import Mark, folder_times, may_change_unnoticed

ITEM = Item("1", "Film", "film-1", "main", File("1/film.mp4"), "digest", 1, 1.5e9)


class Place:
    """An item with a stream, a private artifact and its original; all folders changed long ago."""

    def __init__(self, root: Path) -> None:
        self.library = Library(root / "library")
        self.originals = Originals(root / "originals")
        self.home = self.library.folder(ITEM)
        self.original = self.originals.root / "1/film.mp4"
        self.private = self.library.workshop.private("film-1") / "waveform-0/wave.f32"
        for path in (self.home / "video.json", self.home / "hls-0/v/0.m4s", self.original, self.private):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        for folder in [*root.rglob("*/"), root]:
            os.utime(folder, (1e9, 1e9))

    def mark(self) -> Mark:
        """As the item is now."""
        return Mark("main", "key", None, folder_times(self.library, self.originals, ITEM))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """One item."""
    return Place(tmp_path)


def test_a_mark_holds_while_nothing_changes(place: Place) -> None:
    """Also after it was written down; reading files changes nothing."""
    mark = Mark.from_text(place.mark().to_text())
    assert mark == place.mark()
    assert mark is not None
    (place.home / "video.json").read_bytes()
    assert mark.holds("key", now=2e9)
    assert len(mark.times) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place.home / "hls-0/v/0.m4s").unlink(),
        lambda place: (place.home / "hls-0/v").rename(place.home / "hls-0/w"),
        lambda place: (place.home / "new.txt").touch(),
        lambda place: (place.home / "video.json").rename(place.home / "hls-0/video.json"),
        lambda place: place.home.rename(place.home.parent / "elsewhere"),
        lambda place: place.private.unlink(),
        lambda place: place.original.unlink(),
        lambda place: place.original.parent.rename(place.originals.root / "2"),
    ],
    ids=["segment", "folder", "added", "moved", "video", "private", "original", "originals"],
)
def test_whatever_comes_or_goes_is_noticed(place: Place, change: Callable[[Place], None]) -> None:
    """In the public tree, in the workshop and beside the original."""
    mark = place.mark()
    change(place)
    assert not mark.holds("key", now=2e9)


def test_another_configuration_or_something_due_ends_it(place: Place) -> None:
    """`until` is when a folder is to be swept."""
    mark = place.mark()
    assert not mark.holds("other", now=2e9)
    assert replace(mark, until=2e9 + 1).holds("key", now=2e9)
    assert not replace(mark, until=2e9).holds("key", now=2e9)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '["main"]'])
def test_what_another_version_wrote_is_no_mark(text: str) -> None:
    """Then the item is surveyed."""
    assert Mark.from_text(text) is None


def test_coarse_times_prove_nothing_about_the_last_seconds(place: Place) -> None:
    """A file system of whole seconds (a fake: times are set) gives a second change the same time."""
    assert not may_change_unnoticed(place.mark().times)
    now = int(place.mark().times[str(place.home)]) // 10**9
    for folder in place.mark().times:
        os.utime(folder, (now, now))
    assert not may_change_unnoticed(place.mark().times)
    (place.home / "new").touch()
    fine = place.home.stat().st_mtime
    assert not may_change_unnoticed(place.mark().times), "times of nanoseconds"
    os.utime(place.home, (int(fine), int(fine)))
    assert may_change_unnoticed(place.mark().times)


def test_a_coarse_library_beside_fine_originals_is_coarse(place: Place) -> None:
    """A library on a NAS of whole seconds, originals on a local disk of nanoseconds."""
    os.utime(place.original.parent, ns=(10**18 + 1, 10**18 + 1))
    (place.home / "new").touch()
    second = int(place.home.stat().st_mtime)
    os.utime(place.home, (second, second))
    assert may_change_unnoticed(place.mark().times)
