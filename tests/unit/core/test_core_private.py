"""Folders that are closed to others."""

import os
from pathlib import Path

import pytest

from vlogd.core import private


@pytest.mark.parametrize("mode", [0o755, 0o2775, 0o700, 0o777])
def test_a_folder_that_is_there_is_closed(tmp_path: Path, mode: int) -> None:
    """What is in it stays."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    (folder / "journal.db").touch()
    private.make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "journal.db").exists()


def test_a_new_one_is_closed_from_the_start(tmp_path: Path) -> None:
    """Those above it are as usual."""
    private.make_folder(tmp_path / "a/b")
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700


def test_a_file_system_without_permissions_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT refuses chmod(2) (a fake of it)."""

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "fchmod", refuse)
    private.make_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_folder_of_somebody_else_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Group-writable ones that root made, for example."""
    tmp_path.chmod(0o770)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    private.make_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o770
