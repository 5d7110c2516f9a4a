"""Folders that never became a claim are removed, and no file with them."""

from pathlib import Path

import pytest

from vlogd.ingest.empty_claims import EmptyClaims

NOTE = ".vlogd-claim.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A claim's folder before its file is there."""
    folder = tmp_path / "0123"
    folder.mkdir()
    (folder / NOTE).write_text("where it was dropped")
    (folder / ".vlogd-new-0123").write_text("half of a copy")
    (folder / ".vlogd-original").symlink_to("film.mp4")
    return folder


def test_what_was_left_before_the_start(folder: Path) -> None:
    """It goes at once."""
    EmptyClaims(NOTE).remove(folder)
    assert not folder.exists()


def test_what_somebody_may_be_about_to_fill(folder: Path) -> None:
    """It stays for an hour without a change, whatever the time of day is."""
    now = 5.0
    empty = EmptyClaims(NOTE, lambda: now)
    empty.start_is_over()
    empty.remove(folder)
    now += 3599
    (folder / ".vlogd-new-4567").touch()
    empty.remove(folder)
    now += 3599
    empty.remove(folder)
    assert (folder / NOTE).exists()
    now += 1
    empty.remove(folder)
    assert not folder.exists()


def test_a_file_that_comes_at_that_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It used to be deleted with its folder. It stays, and so does the note of where it was dropped."""
    rmdir = Path.rmdir

    def late(path: Path) -> None:
        (path / "film.mp4").write_text("the only copy")
        rmdir(path)

    monkeypatch.setattr(Path, "rmdir", late)
    EmptyClaims(NOTE).remove(folder)
    assert (folder / "film.mp4").read_text() == "the only copy"
    assert (folder / NOTE).read_text() == "where it was dropped"


def test_a_folder_in_it(folder: Path) -> None:
    """It may hold a file, so both stay, and it holds up no other claim."""
    (folder / ".vlogd-unknown").mkdir()
    EmptyClaims(NOTE).remove(folder)
    assert (folder / NOTE).read_text() == "where it was dropped"
