"""Bytes between open files."""

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
