"""The catalogue: rows of what is published, newest first, derived from the documents alone."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vlogd.core import files
from vlogd.site.catalog import Catalog
from vlogd.site.document import VIDEO_FORMAT, VideoDocument
from vlogd.site.targets.contract import Change
from vlogd.site.targets.local import LocalFolder
from vlogd.storage.library import Library


def video(number: int, **changes: Any) -> VideoDocument:
    """The document of a ready video; a greater number is newer."""
    values: dict[str, Any] = {
        "id": str(number), "slug": f"film-{number}", "title": f"Film {number}", "status": "ready", "progress": 100,
        "playable": True, "added_at": f"2026-11-{number:02}T10:00:00Z",
    }  # fmt: skip
    return VideoDocument(**values | changes)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two published videos."""
    library = Library(tmp_path)
    for number in (1, 2):
        VIDEO_FORMAT.write(folder_of(library, number) / "video.json", video(number))
    return library


def folder_of(library: Library, number: int) -> Path:
    """A video's folder."""
    folder = library.root / f"videos/film-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new(library: Library) -> Catalog:
    """The catalogue of a process that has just begun."""
    return Catalog(library, LocalFolder(library.root).apply)


def titles(library: Library) -> list[str]:
    """The titles in the file."""
    return [row["title"] for row in files.read_json(library.root / "catalog.json")["videos"]]


def test_the_published_videos_are_listed_newest_first(library: Library) -> None:
    """By the time at which they were added; one whose document is damaged is missing until it is published anew."""
    VIDEO_FORMAT.write(folder_of(library, 3) / "video.json", video(3))
    (folder_of(library, 2) / "video.json").write_text("{")
    new(library).write()
    assert titles(library) == ["Film 3", "Film 1"]


def test_what_was_published_meanwhile_counts_more_than_what_is_read(library: Library) -> None:
    """The first writing reads; a row that was added before is newer than the file."""
    catalog = new(library)
    catalog.add(video(1, title="New title"))
    catalog.write()
    assert titles(library) == ["Film 2", "New title"]


def test_only_a_changed_row_makes_it_be_written(library: Library) -> None:
    """Progress that viewers can't see, such as a stage's, is no change."""
    catalog = new(library)
    catalog.write()
    path = library.root / "catalog.json"
    path.unlink()
    catalog.add(video(1, notes=("A note.",)))
    catalog.write()
    assert not path.exists()
    catalog.add(video(1, status="processing"))
    catalog.write()
    assert path.exists()


def test_a_removed_video_leaves_the_list_when_the_disk_is_back(library: Library) -> None:
    """The first attempt meets a full disk (a fake); the second one writes, although the row is gone already."""
    target = LocalFolder(library.root)
    troubles: list[OSError] = []

    def apply(changes: Sequence[Change]) -> None:
        if troubles:
            raise troubles.pop()
        target.apply(changes)

    catalog = Catalog(library, apply)
    catalog.write()
    troubles.append(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match="No space"):
        catalog.remove("film-1")
    catalog.remove("film-1")
    assert titles(library) == ["Film 2"]


def test_a_removed_video_leaves_the_list_at_once(library: Library) -> None:
    """Before its folder goes, so that nobody is led to it."""
    catalog = new(library)
    catalog.write()
    catalog.remove("film-2")
    catalog.remove("unknown")
    assert titles(library) == ["Film 1"]


def test_the_end_of_a_process_writes_what_it_knows_and_no_less(library: Library) -> None:
    """One that ended before it had read what is published must not write a catalogue of what it had made."""
    new(library).write()
    early = new(library)
    early.add(video(4))
    early.finish()
    assert titles(library) == ["Film 2", "Film 1"]
    early.write()
    early.add(video(5))
    early.finish()
    assert titles(library) == ["Film 5", "Film 4", "Film 2", "Film 1"]
