"""Bytes between open files."""

import errno
import os
import threading
from pathlib import Path

import pytest

from vlogd.core import contents
from vlogd.core.cancellation import Never
from vlogd.core.errors import Stopping


def test_a_copy_is_the_same_until_a_byte_differs(tmp_path: Path) -> None:
    """Wherever the files are being read at the moment."""
    (tmp_path / "a").write_bytes(os.urandom((1 << 20) + 1))
    with (
        (tmp_path / "a").open("rb", buffering=0) as source,
        (tmp_path / "b").open("w+b", buffering=0) as target,
    ):
        source.seek(100)
        contents.copy(source, target, Never())
        assert contents.are_same(source, target, Never())
        os.pwrite(target.fileno(), bytes([source.read(1)[0] ^ 1]), 100)
        assert not contents.are_same(source, target, Never())
        os.pwrite(target.fileno(), b"longer", 1 << 21)
        assert not contents.are_same(source, target, Never())


def test_holes_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are zeros: a byte in the place of one differs, and written zeros do not. Reading 16 TiB takes a day."""
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        with path.open("wb") as file:
            file.write(b"begin")
            file.seek(1 << 40)
            file.write(b"end")
            file.truncate(1 << 41)
    read = list[int]()
    real = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        read.append(length)
        assert sum(read) < 8 << 20
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counting)
    with paths[0].open("r+b", buffering=0) as file, paths[1].open("r+b", buffering=0) as other:
        other.seek(3)
        assert contents.are_same(file, other, Never())
        os.pwrite(other.fileno(), bytes(1 << 16), 1 << 30)
        assert contents.are_same(file, other, Never())
        os.pwrite(file.fileno(), b"x", 1 << 35)
        assert not contents.are_same(file, other, Never())
        assert other.tell() == 3


def test_a_file_system_without_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is data then (a fake: lseek(2) knows no SEEK_DATA)."""
    real = os.lseek

    def plain(descriptor: int, offset: int, whence: int) -> int:
        if whence in (os.SEEK_DATA, os.SEEK_HOLE):
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, offset, whence)

    monkeypatch.setattr(os, "lseek", plain)
    path = tmp_path / "a"
    with path.open("w+b", buffering=0) as file:
        file.truncate(3 << 20)
        assert list(contents.data_extents(file)) == [(0, 3 << 20)]
        assert contents.are_same(file, file, Never())


def test_what_is_appended_meanwhile_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows as fast as it is copied would fill the disk (a fake: it grows at each step)."""
    path, real = tmp_path / "a", os.sendfile
    path.write_bytes(b"x" * 100)

    def growing(*arguments: int) -> int:
        with path.open("ab") as file:
            file.write(b"y" * 100)
        return real(*arguments)

    monkeypatch.setattr(os, "sendfile", growing)
    with path.open("rb") as source, (tmp_path / "b").open("w+b") as target:
        contents.copy(source, target, Never())
    assert (tmp_path / "b").read_bytes() == b"x" * 100


def test_both_end_when_they_are_stopped(tmp_path: Path) -> None:
    """Within one step."""
    (tmp_path / "a").write_bytes(b"x")
    stop = threading.Event()
    stop.set()
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("w+b") as target:
        for work in (contents.copy, contents.are_same):
            with pytest.raises(Stopping):
                work(source, target, stop)
