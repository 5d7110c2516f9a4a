"""Whose rights root's commands have, and what others are told. `tests/test_locked_local_users.py` runs the commands."""

import os
from pathlib import Path

import pytest

from vlogd.cli import privileges
from vlogd.core.errors import Unavailable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to somebody needs root")


def owner(state: Path) -> int | None:
    """The user that root becomes."""
    status = privileges._owner(state)
    return None if status is None else status.st_uid


def given(path: Path, uid: int) -> Path:
    """`path`, which belongs to that user now."""
    os.chown(path, uid, uid, follow_symlinks=False)
    return path


@as_root
def test_the_state_folder_s_owner_counts_first(tmp_path: Path) -> None:
    """Then the journal's, then that of the nearest folder or link that leads there."""
    home, state = tmp_path / "home", tmp_path / "home/state"
    state.mkdir(parents=True)
    assert owner(state) is None
    given(home, 1001)
    assert owner(state) == 1001
    assert owner(home / "state/is/not/there/yet") == 1001
    (state / "journal.db").touch()
    given(state / "journal.db", 1002)
    assert owner(state) == 1002
    given(state, 1003)
    assert owner(state) == 1003


@as_root
@pytest.mark.parametrize("target", ["{}/of-root", "../of-root", "../link/../of-root"])
def test_a_link_counts_for_its_owner(tmp_path: Path, target: str) -> None:
    """Who made it decides where root would work. A link of root's own is followed."""
    (tmp_path / "of-root").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to("home")
    state = tmp_path / "home/state"
    state.symlink_to(target.format(tmp_path))
    assert owner(state) is None
    assert owner(tmp_path / "link/state/more") is None
    given(state, 1001)
    assert owner(state) == 1001
    assert owner(tmp_path / "link/state/more") == 1001
    given(tmp_path / "of-root", 1002)
    assert owner(state) == 1002


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """As for the kernel."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        privileges._owner(tmp_path / "a")


@as_root
def test_all_rights_of_root_go(tmp_path: Path) -> None:
    """The three user and group IDs, the groups and the capabilities (proc(5), status)."""
    given(tmp_path, 65534)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            privileges._become(tmp_path.stat())
            os.write(writing, Path("/proc/self/status").read_bytes())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        status = dict(line.split(":", 1) for line in pipe)
    os.waitpid(child, 0)
    assert status["Uid"].split() == ["65534"] * 4
    assert "0" not in status["Gid"].split() + status["Groups"].split()
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


def test_somebody_else_is_told_who_may_see_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where there is no state folder yet."""
    privileges.check_readable(tmp_path / "new")
    privileges.check_readable(tmp_path)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(Unavailable, match="sudo"):
        privileges.check_readable(tmp_path)

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(Unavailable, match="vlogd's user"):
        privileges.check_readable(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root becomes the owner")
def test_nobody_but_root_becomes_anybody(tmp_path: Path) -> None:
    """Without a word."""
    privileges.become_owner(tmp_path)
