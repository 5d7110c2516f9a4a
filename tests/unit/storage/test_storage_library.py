"""The library on disk: steps, artifacts and their views, what earlier versions left, the workshop and the trash."""

import shutil
from pathlib import Path

import pytest

from vlogd.core import digest, files
from vlogd.core.errors import NewerFormat
from vlogd.core.model import Artifact, File, FileMark, Item, Receipt, View
from vlogd.storage.library import Library
from vlogd.storage.library_documents import ARTIFACT, VIEW

ITEM = Item("1", "Film", "film-1", "main", File("1/film.mp4"), "digest", 1, 1.5e9)
RECIPE = {"stage": "poster", "version": 1, "settings": {}, "original": "digest", "inputs": {}}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty one."""
    return Library(tmp_path / "library")


def deliver(library: Library, folder: Path, part: str = "make") -> Receipt:
    """One part that is done, with its receipt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}.jpg").write_bytes(b"jpeg")
    marks = {f"{part}.jpg": FileMark(4, digest.of_bytes(b"jpeg"))}
    receipt = Receipt(part, marks, {"chosen": 3})
    library.save_receipt(ITEM, folder, receipt)
    return receipt


def committed(library: Library, *, private: bool = False) -> tuple[Artifact, Path]:
    """A finished step and its folder."""
    folder = library.step_folder(ITEM, "poster-0123456789ab", private=private)
    receipt = deliver(library, folder)
    names: dict[str, bytes | str] = (
        {} if private else {"thumbnail.jpg": "make.jpg", "note.txt": "Grüße".encode()}
    )
    view = View(files={"list.txt": b"make.jpg"}, names=names, facts={"poster": "thumbnail.jpg"})
    return library.commit(ITEM, folder, RECIPE, [receipt], view), folder


def test_a_step_becomes_an_artifact(library: Library) -> None:
    """Its view is a small file of its own; receipts leave the workshop."""
    artifact, folder = committed(library)
    assert library.artifacts(ITEM) == [artifact]
    assert library.artifact_folder(ITEM, artifact) == folder
    assert "view" not in files.read_json(folder / ARTIFACT)
    assert library.view(ITEM, artifact) == View(
        names={"thumbnail.jpg": "make.jpg", "note.txt": "Grüße".encode()}, facts={"poster": "thumbnail.jpg"}
    )
    assert {path.name for path in folder.iterdir()} == {ARTIFACT, VIEW, "list.txt", "make.jpg"}
    assert library.workshop.receipt_folders("film-1") == []
    assert list(library.receipts(ITEM, folder)) == ["make"]


def test_receipts_lie_in_the_workshop(library: Library) -> None:
    """Nothing of them is public, and only vlogd's user can read them."""
    folder = library.step_folder(ITEM, "poster-0123456789ab", private=False)
    receipt = deliver(library, folder)
    assert library.receipts(ITEM, folder) == {"make": receipt}
    assert [path.name for path in folder.iterdir()] == ["make.jpg"]
    assert library.workshop.folder.stat().st_mode & 0o077 == 0
    (folder / "make.jpg").unlink()
    assert library.receipts(ITEM, folder) == {}


def test_receipts_of_the_first_version_are_adopted(library: Library) -> None:
    """They lay inside the step's folder, without a format number; the part isn't done again."""
    folder = library.step_folder(ITEM, "poster-0123456789ab", private=False)
    receipt = deliver(library, folder)
    (folder / "parts").mkdir()
    source = library.workshop.receipts("film-1", folder.name) / "make.json"
    content = files.read_json(source)
    del content["format"]
    (folder / "parts/make.json").write_bytes(files.json_bytes(content))
    source.unlink()
    assert library.receipts(ITEM, folder) == {"make": receipt}
    library.commit(ITEM, folder, RECIPE, [receipt], View())
    assert not (folder / "parts").exists()


def test_an_artifact_of_the_first_version_is_read_as_it_is(library: Library) -> None:
    """Its view is a key of `artifact.json`; its digest, which other recipes hold, stays."""
    artifact, folder = committed(library)
    earlier = files.read_json(folder / ARTIFACT)
    earlier["view"] = {"names": {"thumbnail.jpg": {"file": "make.jpg"}, "a": {"text": "b"}}, "facts": {}}
    (folder / ARTIFACT).write_bytes(files.json_bytes(earlier))
    (folder / VIEW).unlink()
    (read,) = library.artifacts(ITEM)
    assert (read.digest, read.recipe) == (artifact.digest, artifact.recipe)
    assert library.view(ITEM, read) == View(names={"thumbnail.jpg": "make.jpg", "a": b"b"})


@pytest.mark.parametrize("name", ["make.jpg", "list.txt", VIEW, ARTIFACT])
def test_an_artifact_that_lost_a_file_is_a_step_again(library: Library, name: str) -> None:
    """Fsck names the file; parts whose files are there keep their receipts."""
    _, folder = committed(library)
    (folder / name).unlink()
    assert library.artifacts(ITEM) == []
    faults = [(path.name, fault) for path, fault in library.faults(ITEM, deep=False)]
    why = "is missing or damaged" if name == VIEW else "is missing"
    assert faults == ([] if name == ARTIFACT else [(name, why)])
    kept = {"make.jpg": [], "list.txt": ["make"], VIEW: ["make"], ARTIFACT: []}
    assert list(library.receipts(ITEM, folder)) == kept[name]


def test_changed_bytes_are_found_by_a_deep_check(library: Library) -> None:
    """A changed size by every check."""
    _, folder = committed(library)
    (folder / "make.jpg").write_bytes(b"JPEG")
    assert list(library.faults(ITEM, deep=False)) == []
    assert [path.name for path, _ in library.faults(ITEM, deep=True)] == ["make.jpg"]
    (folder / "make.jpg").write_bytes(b"")
    assert [fault for _, fault in library.faults(ITEM, deep=False)] == ["has 0 bytes instead of 4"]


def test_a_damaged_document_is_missing_and_a_newer_one_is_refused(library: Library) -> None:
    """Else a newer version's artifacts would be encoded again over their heads."""
    _, folder = committed(library)
    content = files.read_json(folder / ARTIFACT)
    (folder / ARTIFACT).write_text("{")
    assert library.artifacts(ITEM) == []
    (folder / ARTIFACT).write_bytes(files.json_bytes(content | {"format": 2}))
    with pytest.raises(NewerFormat, match=r"artifact\.json .* has format 2 .*install a newer vlogd"):
        library.artifacts(ITEM)
    (folder / ARTIFACT).write_bytes(files.json_bytes(content | {"remark": "unknown"}))
    assert len(library.artifacts(ITEM)) == 1


def test_a_damaged_view_is_written_again(library: Library) -> None:
    """The step has all its receipts, so that no part is done again."""
    _, folder = committed(library)
    (folder / VIEW).write_text("{")
    assert library.artifacts(ITEM) == []
    assert list(library.receipts(ITEM, folder)) == ["make"]


def test_a_private_artifact_is_not_in_the_public_tree(library: Library) -> None:
    """Others read it where it lies."""
    artifact, folder = committed(library, private=True)
    assert artifact.private
    assert library.artifacts(ITEM) == [artifact]
    assert library.artifact_folder(ITEM, artifact) == folder
    assert folder.is_relative_to(library.workshop.folder)
    assert not library.folder(ITEM).exists()


def test_a_sweep_comes_again_to_a_folder_that_could_not_be_removed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake: on NFS a file that a web server has open keeps its folder."""
    old = library.step_folder(ITEM, "poster-ffffffffffff", private=False)
    deliver(library, old)
    monkeypatch.setattr(shutil, "rmtree", lambda *_arguments, **_options: None)
    assert library.sweep(ITEM, [], grace_seconds=-3600.0) is not None


def test_a_sweep_keeps_what_is_named_and_what_is_young(library: Library) -> None:
    """It tells when to come again; receipts of finished and of gone steps go."""
    artifact, folder = committed(library)
    deliver(library, folder)
    old = library.step_folder(ITEM, "poster-ffffffffffff", private=False)
    deliver(library, old)
    due = library.sweep(ITEM, [artifact.folder], grace_seconds=3600.0)
    assert due is not None
    assert 0 < due - old.stat().st_mtime <= 3700
    assert library.workshop.receipt_folders("film-1") == [old.name]
    assert library.sweep(ITEM, [artifact.folder], grace_seconds=-3600.0) is None
    assert folder.exists()
    assert not old.exists()
    assert library.workshop.receipt_folders("film-1") == []


def test_a_removed_item_comes_back_with_its_unfinished_work(library: Library) -> None:
    """Also when a crash came between the two renames, of which either is done again."""
    _, folder = committed(library)
    unfinished = library.step_folder(ITEM, "hls-0123456789ab", private=False)
    receipt = deliver(library, unfinished)
    library.discard(ITEM)
    library.discard(ITEM)
    assert not library.folder(ITEM).exists()
    assert library.artifacts(ITEM) == []
    trashed = library.workshop.trash() / "film-1"
    assert (trashed / folder.name / ARTIFACT).exists()
    library.restore(ITEM)
    library.restore(ITEM)
    assert len(library.artifacts(ITEM)) == 1
    assert library.receipts(ITEM, unfinished) == {"make": receipt}
    library.folder(ITEM).rename(trashed)  # the first rename, then a crash
    library.discard(ITEM)
    library.restore(ITEM)
    assert library.receipts(ITEM, unfinished) == {"make": receipt}


def test_a_new_video_is_not_replaced_from_the_trash(library: Library) -> None:
    """The same file was dropped again meanwhile."""
    committed(library)
    library.discard(ITEM)
    _, folder = committed(library)
    (folder / "new").touch()
    library.restore(ITEM)
    assert (folder / "new").exists()
    library.workshop.purge("film-1")
    assert (folder / "new").exists()
    assert list(library.workshop.trash().iterdir()) == []


def test_the_trash_of_the_first_version_is_adopted(library: Library) -> None:
    """It was a folder beside the site; what is in both is kept under another name."""
    committed(library)
    (library.root / ".trash").mkdir()
    library.folder(ITEM).rename(library.root / ".trash/film-1")
    library.restore(ITEM)
    assert len(library.artifacts(ITEM)) == 1
    assert not (library.root / ".trash").exists()


def test_the_trash_lists_and_loses_what_is_named(library: Library) -> None:
    """Removed videos, and folders that belonged to none."""
    committed(library)
    library.discard(ITEM)
    stray = library.root / "videos/stray"
    stray.mkdir()
    assert library.workshop.discard_stray(stray) == library.workshop.trash() / "stray"
    assert library.workshop.discarded() == ["film-1", "stray"]
    library.workshop.purge("stray")
    assert library.workshop.discarded() == ["film-1"]


def test_whose_an_address_is(library: Library) -> None:
    """Published or in the trash, by the id in its document; what nobody knows is somebody's."""
    assert not library.is_others("film", "00aa")
    for place in (library.root / "videos", library.workshop.trash()):
        (place / "film").mkdir(parents=True)
        assert library.is_others("film", "00aa")
        (place / "film/video.json").write_text('{"id": "00aa"}')
        assert not library.is_others("film", "00aa")
        assert library.is_others("film", "00bb")
        (place / "film/video.json").write_text("[]")
        assert library.is_others("film", "00aa")
        shutil.rmtree(place / "film")
