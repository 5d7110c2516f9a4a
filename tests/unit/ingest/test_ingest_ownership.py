"""How a claimed file becomes vlogd's own."""

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from vlogd.core.descriptors import Folder
from vlogd.core.errors import Stopping, Unavailable
from vlogd.ingest import ownership

_ACL = bytes.fromhex(
    "02000000 01000600ffffffff 02000400e8030000 04000000ffffffff 10000600ffffffff 20000000ffffffff"
)
"""user::rw-, user:1000:r--, group::---, mask::rw-, other::--- as the kernel keeps it (linux/posix_acl_xattr.h)."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A claimed file."""
    path = tmp_path / "film.ts"
    path.write_bytes(os.urandom(5000))
    path.chmod(0o6777)
    os.utime(path, (1, 2))
    return path


def make_own(film: Path, *, room: bool = True) -> None:
    """As `Claims` does it."""

    def check_room(size_bytes: int) -> None:
        assert size_bytes == film.stat().st_size
        if not room:
            raise Unavailable("full")

    with Folder.at(film.parent) as folder:
        ownership.make_own(folder, film.name, threading.Event(), check_room)


def test_what_can_be_ours_keeps_its_inode(film: Path) -> None:
    """And its times; doing it again changes nothing."""
    inode = film.stat().st_ino
    make_own(film, room=False)
    make_own(film, room=False)
    status = film.stat()
    assert (status.st_ino, status.st_mtime, oct(status.st_mode & 0o7777)) == (inode, 2, oct(0o644))


def test_a_file_with_another_name_is_copied(film: Path) -> None:
    """The dropped one stays beside it, as it was, until the film is accepted; a second attempt copies nothing."""
    other = film.parent.parent / "other.ts"
    other.unlink(missing_ok=True)
    other.hardlink_to(film)
    data, inode = film.read_bytes(), film.stat().st_ino
    make_own(film)
    make_own(film, room=False)
    status = film.stat()
    assert (status.st_nlink, status.st_mtime, oct(status.st_mode & 0o7777)) == (1, 2, oct(0o644))
    assert film.read_bytes() == data
    assert status.st_ino != inode
    assert (film.parent / ".vlogd-dropped/film.ts").stat().st_mode & 0o7777 == 0o6777
    ownership.forget_dropped(film.parent)
    assert [path.name for path in film.parent.iterdir()] == ["film.ts"]
    other.unlink()


@pytest.mark.parametrize("why", ["full", "stopped", "changed"])
def test_a_copy_that_cannot_be_finished_leaves_nothing(
    why: str, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays as it was dropped."""
    monkeypatch.setattr(ownership, "_adopt", lambda *_arguments, **_options: False)
    real = ownership.contents.copy

    def disturbed(*arguments: Any) -> None:
        real(*arguments)
        if why == "stopped":
            raise Stopping("stopped")
        with film.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(ownership.contents, "copy", disturbed)
    with pytest.raises((Unavailable, Stopping, FileNotFoundError)):
        make_own(film, room=why != "full")
    assert [path.name for path in film.parent.iterdir()] == ["film.ts"]
    assert film.stat().st_mode & 0o7777 == 0o6777


def test_a_file_that_is_open_for_writing_keeps_its_permissions(film: Path) -> None:
    """It is going to be put back."""
    with film.open("ab"), pytest.raises(FileNotFoundError):
        make_own(film)
    assert film.stat().st_mode & 0o777 == 0o777


def test_attributes_and_access_lists_go(film: Path) -> None:
    """The group's bits of a file with a list are the list's mask, and give the group nothing afterwards."""
    os.setxattr(film, "user.note", b"foreign")
    os.setxattr(film, "system.posix_acl_access", _ACL)
    make_own(film)
    assert os.listxattr(film) == []
    assert film.stat().st_mode & 0o777 == 0o600


def test_a_file_system_with_permissions_of_its_own(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT and SMB refuse chmod(2): a copy would be no better (a fake)."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refuse)
    inode = film.stat().st_ino
    make_own(film, room=False)
    assert film.stat().st_ino == inode


def test_blocks_are_shared_where_that_can_be(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no room is needed (a fake: the file system's clone)."""

    def clone(target: int, _request: int, source: int) -> None:
        os.pwrite(target, os.pread(source, 1 << 20, 0), 0)

    monkeypatch.setattr(ownership, "_adopt", lambda *_arguments, **_options: False)
    monkeypatch.setattr(fcntl, "ioctl", clone)
    data, inode = film.read_bytes(), film.stat().st_ino
    make_own(film, room=False)
    assert (film.read_bytes(), film.stat().st_ino != inode) == (data, True)


def test_a_folder_that_may_be_about_to_get_its_file_is_left(tmp_path: Path) -> None:
    """An unfinished copy from another file system is no leftover yet; beside a file it is one."""
    copied = tmp_path / ".vlogd-new-1"
    copied.touch()
    with Folder.at(tmp_path) as folder:
        ownership.recover(folder)
        assert copied.exists()
        (tmp_path / "film.ts").touch()
        ownership.recover(folder)
    assert not copied.exists()
