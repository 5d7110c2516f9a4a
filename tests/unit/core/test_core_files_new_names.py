"""Names that are taken are never replaced, whatever else happens at the moment."""

import errno
import os
from pathlib import Path

import pytest

from vlogd.core import files


@pytest.fixture(params=["renameat2", "hard link"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to take a name: where the file system cannot rename without replacing, a hard link does it."""

    class Libc:
        """A fake C library on a file system without RENAME_NOREPLACE."""

        def renameat2(self, *_: object) -> int:
            """Fail as NFS does."""
            files.ctypes.set_errno(errno.EINVAL)
            return -1

    if request.param == "hard link":
        monkeypatch.setattr(files.ctypes, "CDLL", lambda *_, **__: Libc())


@pytest.mark.usefixtures("_way")
def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    """Both files stay as they are."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    target.write_text("old")
    with pytest.raises(FileExistsError):
        files.rename_new(source, target)
    assert (source.read_text(), target.read_text()) == ("new", "old")


@pytest.mark.usefixtures("_way")
def test_a_free_name_is_taken(tmp_path: Path) -> None:
    """And the source is gone, also where its name is no text."""
    source, target = tmp_path / os.fsdecode(b"\xff source"), tmp_path / "target"
    source.write_text("new")
    files.rename_new(source, target)
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.usefixtures("_way")
def test_a_free_name_is_found(tmp_path: Path) -> None:
    """The number stands before the extension, from 2 on."""
    for name in ("film.mp4", "film-2.mp4"):
        (tmp_path / name).write_text("old")
    source = tmp_path / "source"
    source.write_text("new")
    assert files.move_to_free_name(source, tmp_path / "film.mp4") == tmp_path / "film-3.mp4"
    assert (tmp_path / "film-3.mp4").read_text() == "new"


def test_a_name_on_another_disk_is_safe_before_the_source_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut in between must not lose both (fakes: another disk, and what is synced when)."""
    source, target = tmp_path / "one/film.txt", tmp_path / "two/film.txt"
    for path in (source, target):
        path.parent.mkdir()
    source.write_text("new")
    rename_new, unlink, done = files.rename_new, Path.unlink, []

    def across(path: Path, new: Path) -> None:
        if path == source:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename_new(path, new)

    def removing(path: Path, *, missing_ok: bool = False) -> None:
        done.append(path)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(files, "rename_new", across)
    monkeypatch.setattr(files, "sync_folder", done.append)
    monkeypatch.setattr(Path, "unlink", removing)
    files.move_new(source, target)
    assert target.read_text() == "new"
    assert done.index(target.parent) < done.index(source)


def test_write_new_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither where it wrote nor where the name was taken."""
    files.write_new(tmp_path / "note.txt", b"one")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "note.txt", b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("note.txt", b"one")]
