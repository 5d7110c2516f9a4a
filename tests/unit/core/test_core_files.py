"""Files are put in place whole or not at all, and nothing half-written stays behind."""

import errno
import json
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vlogd.core import files
from vlogd.core.cancellation import Never
from vlogd.core.errors import Stopping


def names(folder: Path) -> list[str]:
    """Everything in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake disk that takes no byte: fsync says so, as it does for writes that the kernel had put off."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)


@pytest.fixture
def two_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes that the folders `one` and `two` lie on different file systems."""
    replace = Path.replace

    def across(path: Path, target: Path) -> Path:
        if {path.parent.name, target.parent.name} == {"one", "two"}:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", across)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Whoever has the old one open goes on reading it."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        files.write_whole(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert names(tmp_path) == ["a"]


@pytest.mark.usefixtures("full_disk")
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    """And no temporary one."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        files.write_whole(path, b"new")
    with pytest.raises(OSError, match="No space left"):
        files.copy_beside(path, tmp_path / "b", Never())
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems cannot do it; an unreadable folder is one."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(files.os, "fsync", fsync)
    files.sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.sync_folder(tmp_path / "absent")


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    """A web server and a mirror see by the times what is new."""
    path = tmp_path / "sub/a"
    assert files.write_if_changed(path, b"one")
    inode = path.stat().st_ino
    assert not files.write_if_changed(path, b"one")
    assert path.stat().st_ino == inode
    assert files.write_if_changed(path, b"two")
    assert path.read_bytes() == b"two"


def test_json(tmp_path: Path) -> None:
    """Keys in their order, ASCII, also for names that are no UTF-8, and one newline at the end."""
    value = {"z": 1, "a": "Grüße", "path": "caf\udce9"}
    (tmp_path / "a.json").write_bytes(files.json_bytes(value))
    text = (tmp_path / "a.json").read_bytes().decode("ascii")
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["z", "a", "path"]
    assert files.read_json(tmp_path / "a.json") == value


def test_a_copy_keeps_times_and_permissions(tmp_path: Path) -> None:
    """No setuid bit. It lies beside its target, under a name that is recognised as unfinished."""
    source = tmp_path / "source"
    source.write_bytes(os.urandom(100_000))
    source.chmod(0o4640)
    os.utime(source, ns=(1_000_000_000, 2_000_000_000))
    (tmp_path / "sub").mkdir()
    copy = files.copy_beside(source, tmp_path / "sub/target", Never())
    assert copy.parent == tmp_path / "sub"
    assert copy.name.startswith(files.TEMPORARY_PREFIX)
    assert copy.read_bytes() == source.read_bytes()
    assert (copy.stat().st_mtime_ns, copy.stat().st_mode) == (2_000_000_000, stat.S_IFREG | 0o640)


def test_a_copy_can_be_stopped(tmp_path: Path) -> None:
    """And leaves nothing."""
    (tmp_path / "source").write_bytes(b"x")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopping):
        files.copy_beside(tmp_path / "source", tmp_path / "target", stop)
    assert names(tmp_path) == ["source"]


def test_links_are_not_copied(tmp_path: Path) -> None:
    """Somebody could put one in place of a dropped file, to a file that he may not read."""
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="not a regular file"):
        files.copy_beside(tmp_path / "link", tmp_path / "target", Never())
    assert names(tmp_path) == ["link"]


def test_moving(tmp_path: Path) -> None:
    """Within a file system it is a rename."""
    source = tmp_path / "source"
    source.write_bytes(b"film")
    inode = source.stat().st_ino
    files.move_whole(source, tmp_path / "target")
    assert (tmp_path / "target").stat().st_ino == inode
    assert names(tmp_path) == ["target"]


@pytest.mark.usefixtures("two_disks")
def test_moving_across_file_systems(tmp_path: Path) -> None:
    """There it is a copy, and the source goes last."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "one/film").write_bytes(b"film")
    files.move_whole(tmp_path / "one/film", tmp_path / "two/film")
    assert (tmp_path / "two/film").read_bytes() == b"film"
    assert names(tmp_path / "one") == []
    assert names(tmp_path / "two") == ["film"]


def test_leftovers_are_swept(tmp_path: Path) -> None:
    """At every depth, or in one folder only; nothing else goes."""
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    for folder in (tmp_path, deep):
        files.temporary_beside(folder / "x").write_bytes(b"half")
        (folder / "whole").write_bytes(b"whole")
    files.sweep_temporary(tmp_path, "")
    assert names(tmp_path) == ["a", "whole"]
    assert len(names(deep)) == 2
    files.sweep_temporary(tmp_path)
    assert names(deep) == ["whole"]


def test_a_free_name(tmp_path: Path) -> None:
    """A broken link takes a name, too."""
    (tmp_path / "film.mp4").write_bytes(b"")
    (tmp_path / "film-2.mp4").symlink_to("nowhere")
    (tmp_path / "source").mkdir()
    for name, new_name in (("film.mp4", "film-3.mp4"), ("other.mp4", "other.mp4")):
        (tmp_path / "source/new").write_bytes(b"new")
        assert files.rename_to_free_name(tmp_path / "source/new", tmp_path / name) == tmp_path / new_name
        assert (tmp_path / new_name).read_bytes() == b"new"
    assert (tmp_path / "film.mp4").read_bytes() == b""


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
@example(b"a." + b"b" * 253)
def test_numbered_names_are_names(name: bytes) -> None:
    """Property: distinct, and never longer than a name may be; whatever bytes a name has."""
    path = Path(os.fsdecode(name))
    if path.name in ("", ".."):
        return
    numbered = files.numbered(path)
    few = [next(numbered) for _ in range(12)]
    assert len(set(few)) == 12
    assert all(len(os.fsencode(candidate.name)) <= 255 for candidate in few)
