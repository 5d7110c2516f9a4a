"""Open folders: names in them are never followed, and names that are taken are never replaced."""

import errno
import os
import socket
from pathlib import Path

import pytest

from vlogd.core import descriptors
from vlogd.core.descriptors import Folder


@pytest.fixture(params=["renameat2", "hard link", "empty file"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All ways to take a name: on a file system that cannot rename without replacing, or make hard links either."""

    class Libc:
        """A fake C library on a file system without RENAME_NOREPLACE."""

        def renameat2(self, *_: object) -> int:
            """Fail as NFS does."""
            descriptors.ctypes.set_errno(errno.EINVAL)
            return -1

    def link(*_: object, **__: object) -> None:
        """Fail as for another user's file."""
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param != "renameat2":
        monkeypatch.setattr(descriptors.ctypes, "CDLL", lambda *_, **__: Libc())
    if request.param == "empty file":
        monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("_way")
def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    """Both files stay as they are."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    target.write_text("old")
    with Folder.at(tmp_path) as folder, pytest.raises(FileExistsError):
        folder.rename_new("source", folder, "target")
    assert (source.read_text(), target.read_text()) == ("new", "old")


@pytest.mark.usefixtures("_way")
def test_a_free_name_is_taken(tmp_path: Path) -> None:
    """And the source is gone, also where its name is no text, where it is a link, and where it is a folder."""
    (tmp_path / "to").mkdir()
    for name in (os.fsdecode(b"\xff source"), "link", "folder"):
        path = tmp_path / name
        {"link": lambda path=path: path.symlink_to("nowhere"), "folder": path.mkdir}.get(name, path.touch)()
        with Folder.at(tmp_path) as folder, folder.folder("to") as to:
            folder.rename_new(name, to, "target")
        assert os.path.lexists(tmp_path / "to/target")
        assert not os.path.lexists(path)
        (tmp_path / "to/target").rename(tmp_path / f"{name} was here")


def test_no_link_is_a_folder(tmp_path: Path) -> None:
    """Neither the last name nor one on the way, and none is made behind a link."""
    (tmp_path / "real/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    with Folder.at(tmp_path) as folder:
        folder.below(["real", "below"]).close()
        for way in (lambda: folder.folder("link"), lambda: folder.below(["link", "below"]), lambda: folder.make_folder("link")):  # fmt: skip
            with pytest.raises(NotADirectoryError):
                way()


def test_an_open_folder_stays_the_one_that_was_opened(tmp_path: Path) -> None:
    """However its path changes meanwhile."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one/file").write_text("first")
    with Folder.at(tmp_path / "one") as folder:
        (tmp_path / "one").rename(tmp_path / "moved")
        (tmp_path / "one").mkdir()
        folder.unlink("file")
        with folder.create_file("new") as file:
            file.write(b"new")
    assert (tmp_path / "moved/new").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "moved").iterdir()] == ["new"]
    assert list((tmp_path / "one").iterdir()) == []


def test_only_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, a pipe, a socket and a folder are no files, also when they take the name after the look at it."""
    (tmp_path / "film").write_text("film")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("film")
    (tmp_path / "folder").mkdir()
    address = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(tmp_path)
    address.bind("socket")
    with Folder.at(tmp_path) as folder:
        with folder.open_file("film") as file:
            assert file.read() == b"film"
        was_a_file = folder.status("film")
        for look in (folder.status, lambda _name: was_a_file):
            monkeypatch.setattr(folder, "status", look)
            for name in ("pipe", "link", "folder", "socket"):
                with pytest.raises(FileNotFoundError, match="not a regular file"):
                    folder.open_file(name)
    address.close()
