"""Artifacts of earlier versions that are taken out of the public tree."""

from pathlib import Path

import pytest

from vlogd.core.model import FileMark, Item, Link, Receipt, View
from vlogd.storage.concealment import conceal
from vlogd.storage.library import Library

ITEM = Item("1", "A film", "a-film-1", "main", Link("https://example.org/"), "", 0, 0.0)
FIRST_PUBLIC = {"probe": None, "meta": 2, "hls": 0}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library with an artifact of each stage, all made by version 1."""
    library = Library(tmp_path)
    for stage in FIRST_PUBLIC:
        commit(library, f"{stage}-000000000001", 1)
    return library


def commit(library: Library, name: str, version: int) -> Path:
    """A public artifact of a version of its stage."""
    folder = library.folder(ITEM) / name
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    recipe = {"stage": name.partition("-")[0], "version": version}
    library.commit(ITEM, folder, recipe, [Receipt("a", {"a.txt": FileMark(1, "")}, {})], View())
    return folder


def names(folder: Path) -> list[str]:
    """The names in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())


def test_artifacts_are_moved_as_they_are(library: Library) -> None:
    """They stay artifacts with the same digests; doing it again changes nothing."""
    before = {artifact.stage: artifact.digest for artifact in library.artifacts(ITEM)}
    for _ in range(2):
        conceal(library, ITEM, FIRST_PUBLIC)
        assert names(library.folder(ITEM)) == ["hls-000000000001"]
        assert names(library.workshop.private(ITEM.slug)) == ["meta-000000000001", "probe-000000000001"]
        assert {artifact.stage: artifact.digest for artifact in library.artifacts(ITEM)} == before
        assert {a.stage for a in library.artifacts(ITEM) if a.private} == {"meta", "probe"}


def test_a_version_that_is_public_stays(library: Library) -> None:
    """And so does a step in work, of which nobody knows the version."""
    commit(library, "meta-000000000002", 2)
    (library.folder(ITEM) / "meta-000000000003").mkdir()
    conceal(library, ITEM, FIRST_PUBLIC)
    assert names(library.folder(ITEM)) == ["hls-000000000001", "meta-000000000002", "meta-000000000003"]


def test_what_an_older_vlogd_made_once_more_goes(library: Library) -> None:
    """The one that was moved first is kept, and the other one waits in the trash."""
    conceal(library, ITEM, FIRST_PUBLIC)
    commit(library, "probe-000000000001", 1)
    conceal(library, ITEM, FIRST_PUBLIC)
    assert names(library.folder(ITEM)) == ["hls-000000000001"]
    assert library.workshop.discarded() == ["probe-000000000001"]
    assert {artifact.stage for artifact in library.artifacts(ITEM)} == set(FIRST_PUBLIC)


def test_a_whole_artifact_takes_the_place_of_a_damaged_one(library: Library) -> None:
    """A backup brought it back; nothing else may be able to."""
    conceal(library, ITEM, FIRST_PUBLIC)
    private = library.workshop.private(ITEM.slug) / "probe-000000000001"
    (private / "a.txt").unlink()
    commit(library, private.name, 1)
    conceal(library, ITEM, FIRST_PUBLIC)
    assert (private / "a.txt").read_text() == "a"
    assert {artifact.stage for artifact in library.artifacts(ITEM)} == set(FIRST_PUBLIC)


def test_links_and_absent_folders_are_left_alone(library: Library, tmp_path: Path) -> None:
    """A link named like a step's folder is not followed."""
    (tmp_path / "elsewhere").mkdir()
    (library.folder(ITEM) / "probe-000000000009").symlink_to(tmp_path / "elsewhere")
    conceal(library, ITEM, FIRST_PUBLIC)
    assert (library.folder(ITEM) / "probe-000000000009").is_symlink()
    conceal(Library(tmp_path / "none"), ITEM, FIRST_PUBLIC)
