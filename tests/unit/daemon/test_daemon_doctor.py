"""What `vlogd doctor` finds."""

import shutil
from pathlib import Path

import pytest

from vlogd import config
from vlogd.cli.init_add import init
from vlogd.config import Config
from vlogd.core import clock
from vlogd.daemon.doctor import Finding, examine
from vlogd.daemon.lock import Lock
from vlogd.storage import mount_locks


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home."""
    assert init.callback is not None
    init.callback(tmp_path / "home")
    return tmp_path / "home"


def findings(home: Path, more: str = "") -> list[Finding]:
    """Of that home with more lines in its configuration."""
    path = home / "vlogd.yaml"
    path.write_text(path.read_text() + more)
    loaded: Config = config.load(path)
    return examine(loaded)


def sentences(found: list[Finding], level: str) -> str:
    """All of one level."""
    return "\n".join(finding.sentence for finding in found if finding.level == level)


def test_a_sound_home_has_no_failure(home: Path) -> None:
    """Tools and folders are there, and nothing runs yet."""
    found = findings(home)
    assert sentences(found, "fail") == ""
    assert "ffmpeg is there: ffmpeg version" in sentences(found, "ok")
    assert "vlogd is not running." in sentences(found, "ok")


def test_a_running_daemon_is_seen(home: Path) -> None:
    """By its lock."""
    lock = Lock(home / "state")
    assert "vlogd is running." in sentences(findings(home), "ok")
    lock.release()


@pytest.mark.parametrize(("known", "level"), [(True, "ok"), (False, "warn"), (None, "warn")])
def test_a_clock_that_may_be_wrong_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, known: bool | None, level: str
) -> None:
    """With what follows of it (a fake: the system's answer)."""
    monkeypatch.setattr(clock, "is_synchronised", lambda: known)
    assert "synchronised" in sentences(findings(home), level)


def test_without_ffmpeg_nothing_can_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install, once."""
    monkeypatch.setenv("PATH", "/nonexistent")
    (missing,) = [finding for finding in findings(home) if finding.level == "fail"]
    assert missing == Finding("fail", "ffmpeg is not installed.", "Install it: apt install ffmpeg")


def test_originals_that_others_may_write_are_warned_of(home: Path) -> None:
    """The folder, and files that an earlier version accepted as they were dropped."""
    film = home / "originals/0123456789abcdef/film.mp4"
    film.parent.mkdir()
    film.touch(0o644)
    assert "originals" not in sentences(findings(home), "warn")
    film.chmod(0o664)
    assert "1 files belong to other users, or may be written by them" in sentences(findings(home), "warn")
    (home / "originals").chmod(0o775)
    assert "other users may write there" in sentences(findings(home), "warn")


def test_missing_folders_fail_only_where_vlogd_cannot_make_them(home: Path) -> None:
    """An inbox is somebody's; state, originals and library are made at the start."""
    for name in ("inbox", "library"):
        (home / name).rmdir()
    found = findings(home)
    assert sentences(found, "fail") == f"inbox main: {home / 'inbox'} does not exist."
    assert f"library: {home / 'library'} does not exist." in sentences(found, "warn")


def test_a_folder_without_a_model_is_a_failure(home: Path) -> None:
    """A name may be downloaded; a folder must hold it."""
    (home / "model").mkdir()
    text = f"stages: {{captions: {{model: {home / 'model'}}}}}\n"
    assert f"There is no speech model in {home / 'model'}." in sentences(findings(home, text), "fail")
    (home / "model/model.bin").touch()
    assert f"The speech model is there: {home / 'model'}." in sentences(findings(home), "ok")


def test_a_name_of_a_model_is_looked_up_in_the_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not downloaded for the question."""
    cache = home / "cache"
    monkeypatch.setenv("HF_HOME", str(cache))
    assert "`vlogd fetch-model`" in sentences(findings(home), "warn")
    model = cache / "hub/models--Systran--faster-whisper-small/snapshots/1/model.bin"
    model.parent.mkdir(parents=True)
    model.touch()
    assert "is on this machine" in sentences(findings(home), "ok")
    shutil.rmtree(cache)


def test_an_archive_that_is_the_originals(home: Path) -> None:
    """By a link, which the paths do not show."""
    (home / "archive").symlink_to("originals")
    text = f"keeping: {{originals: archive, archive: {home / 'archive'}}}\n"
    assert "keeping.archive: " in sentences(findings(home, text), "fail")
    assert "is the same folder as originals" in sentences(findings(home), "fail")


def test_a_file_system_that_keeps_its_locks_to_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake kernel says so of all folders: a second vlogd elsewhere sees this one only by what it writes."""
    assert "keeps locks" not in sentences(findings(home), "warn")
    monkeypatch.setattr(mount_locks, "mount_of", lambda *_folder: mount_locks.Mount("fuse.sshfs"))
    told = sentences(findings(home), "warn")
    assert "originals: fuse.sshfs keeps locks to one machine" in told
    assert "library: fuse.sshfs keeps locks to one machine" in told
