"""What a publishing changes, in which order, and what a target elsewhere gets of it."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vlogd.core import files
from vlogd.core.model import File, Item, View
from vlogd.core.publication import Publication, Report, StageReport, StageView
from vlogd.site.publisher import Publisher
from vlogd.site.targets.contract import Change, FileAdded, FileRemoved, FileWritten, FolderRemoved
from vlogd.storage.library import Library

ITEM = Item("1", "Film", "film-1", "main", File("1/film.mp4"), "digest", 1, 1.5e9)


class Mirror:
    """A tiny target: a folder elsewhere that gets each change, and fails when the test says so."""

    def __init__(self, source: Path, root: Path) -> None:
        self.source = source
        self.root = root
        self.applied: list[Change] = []
        self.most = 10**6

    def apply(self, changes: Sequence[Change]) -> None:
        """Copy, write and remove, as an object store would."""
        for change in changes:
            if len(self.applied) >= self.most:
                raise OSError("The other side hung up.")
            self.applied.append(change)
            path = self.root / change.path
            if isinstance(change, FileRemoved):
                path.unlink()
                continue
            if isinstance(change, FolderRemoved):
                shutil.rmtree(path)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            added = isinstance(change, FileAdded)
            path.write_bytes((self.source / change.path).read_bytes() if added else change.data)


def publication(
    views: Mapping[str, View], *, status: Any = "ready", stage_status: str = "ready"
) -> Publication:
    """A publication of stages whose folders are called after them."""
    stages = {name: StageReport(stage_status, 100.0, None, essential=True) for name in views}
    report = Report("1", "film-1", "Film", status, 100.0, True, 7.0, None, (), stages, 1.5e9, None)
    return Publication(ITEM, report, {name: StageView(f"{name}-0", view) for name, view in views.items()}, {})


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """One video with a segment in a stage's folder."""
    library = Library(tmp_path / "library")
    segment = library.folder(ITEM) / "hls-0/v/0.m4s"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"segment")
    return library


HLS = View(files={"v/index.m3u8": b"0.m4s"}, names={"master.m3u8": b"v/index.m3u8"})
POSTER = View(names={"thumbnail.jpg": b"jpeg", "storyboard/0001.jpg": b"jpeg"})


def test_a_target_gets_files_before_those_that_name_them(library: Library, tmp_path: Path) -> None:
    """Segment, playlist, master playlist, video.json; afterwards only what has changed since."""
    mirror = Mirror(library.root, tmp_path / "mirror")
    publisher = Publisher(library, [mirror])
    publisher.publish(publication({"hls": HLS}, status="processing", stage_status="running"))
    home = Path("videos/film-1")
    assert [str(change.path.relative_to(home)) for change in mirror.applied] == [
        "hls-0/v/0.m4s", "hls-0/v/index.m3u8", "master.m3u8", "video.json",
    ]  # fmt: skip
    assert [type(change) for change in mirror.applied] == [FileAdded, FileWritten, FileWritten, FileWritten]
    (library.folder(ITEM) / "hls-0/v/1.m4s").write_bytes(b"next")
    mirror.applied.clear()
    publisher.publish(publication({"hls": HLS, "poster": POSTER}))
    added = [change.path.name for change in mirror.applied if isinstance(change, FileAdded)]
    assert added == ["1.m4s"]
    assert (mirror.root / home / "video.json").read_bytes() == (
        library.folder(ITEM) / "video.json"
    ).read_bytes()


def test_a_retired_name_goes_after_the_document_that_named_it(library: Library, tmp_path: Path) -> None:
    """And the folder that is empty without it; a name below a folder is a name like any other."""
    mirror = Mirror(library.root, tmp_path / "mirror")
    publisher = Publisher(library, [mirror])
    publisher.publish(publication({"hls": HLS, "poster": POSTER}))
    assert (library.folder(ITEM) / "storyboard/0001.jpg").read_bytes() == b"jpeg"
    mirror.applied.clear()
    publisher.publish(publication({"hls": HLS}))
    assert mirror.applied[-2:] == [
        FileRemoved(Path("videos/film-1/storyboard/0001.jpg")), FileRemoved(Path("videos/film-1/thumbnail.jpg")),
    ]  # fmt: skip
    assert mirror.applied[-3].path.name == "video.json"
    assert not (library.folder(ITEM) / "storyboard").exists()
    assert (library.folder(ITEM) / "master.m3u8").exists()


def test_a_target_that_failed_gets_everything_again(library: Library, tmp_path: Path) -> None:
    """The local folder is up to date meanwhile, and the target in the end."""
    mirror = Mirror(library.root, tmp_path / "mirror")
    publisher = Publisher(library, [mirror])
    mirror.most = 0
    with pytest.raises(OSError, match="hung up"):
        publisher.publish(publication({"hls": HLS}, stage_status="running"))
    assert (library.folder(ITEM) / "video.json").exists()
    mirror.most = 10**6
    publisher.publish(publication({"hls": HLS}, stage_status="running"))
    names = [change.path.name for change in mirror.applied]
    assert names == ["0.m4s", "index.m3u8", "master.m3u8", "video.json"]
    mirror.applied.clear()
    publisher.publish(publication({"hls": HLS}, stage_status="running"))
    assert mirror.applied == []


def test_a_withdrawn_video_leaves_the_catalogue_first(library: Library, tmp_path: Path) -> None:
    """Then its folder goes, and nothing of it is left at the target."""
    mirror = Mirror(library.root, tmp_path / "mirror")
    publisher = Publisher(library, [mirror])
    publisher.publish(publication({"hls": HLS}))
    publisher.catalog.write()
    assert mirror.applied[-1].path.name == "catalog.json"
    assert b"film-1" in (mirror.root / "catalog.json").read_bytes()
    mirror.applied.clear()
    publisher.withdraw("film-1")
    assert [str(change.path) for change in mirror.applied] == ["catalog.json", "videos/film-1"]
    assert not (mirror.root / "videos/film-1").exists()
    assert b"film-1" not in (mirror.root / "catalog.json").read_bytes()


def test_the_last_stage_that_claims_a_name_has_it(library: Library) -> None:
    """`files` names it once, and it is written once: viewers never see the other one's between."""
    stream = View(names={"master.m3u8": b"with subtitles"})
    published = Publisher(library).publish(publication({"hls": HLS, "stream": stream}))
    assert published.after.files == ("master.m3u8",)
    assert (library.folder(ITEM) / "master.m3u8").read_bytes() == b"with subtitles"
    before = (library.folder(ITEM) / "master.m3u8").stat().st_mtime_ns
    again = Publisher(library).publish(publication({"hls": HLS, "stream": stream}))
    assert (library.folder(ITEM) / "master.m3u8").stat().st_mtime_ns == before
    assert again.before == published.after == again.after


@pytest.mark.parametrize("name", ["../other/video.json", "/etc/passwd", "..", ""])
def test_a_document_cannot_retire_what_lies_elsewhere(library: Library, name: str) -> None:
    """`video.json` lies where others may be able to write."""
    publisher = Publisher(library)
    publisher.publish(publication({"hls": HLS}))
    path = library.folder(ITEM) / "video.json"
    other = library.root / "videos/other/video.json"
    other.parent.mkdir()
    other.write_text("{}")
    path.write_bytes(files.json_bytes(files.read_json(path) | {"files": [name]}))
    publisher.publish(publication({"hls": HLS}))
    assert other.exists()
    assert path.exists()


def test_the_page_is_put_in_place_with_its_assets(tmp_path: Path) -> None:
    """And a catalogue, which is empty at first."""
    library = Library(tmp_path / "library")
    Publisher(library).install_site()
    assert (library.root / "assets/site.js").exists()
    assert b"site.js" in (library.root / "index.html").read_bytes()
    assert files.read_json(library.root / "catalog.json") == {"videos": []}


def test_playlists_of_a_finished_step_come_after_its_segments(library: Library, tmp_path: Path) -> None:
    """They are derived files of an artifact then, written when it was committed."""
    (library.folder(ITEM) / "hls-0/a.m3u8").write_text("v/0.m4s")
    (library.folder(ITEM) / "hls-0/artifact.json").write_text("{}")
    mirror = Mirror(library.root, tmp_path / "mirror")
    Publisher(library, [mirror]).publish(publication({"hls": View(names=HLS.names)}))
    assert [change.path.name for change in mirror.applied] == ["0.m4s", "a.m3u8", "master.m3u8", "video.json"]
