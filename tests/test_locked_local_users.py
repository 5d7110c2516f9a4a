"""What vlogd's user cannot do to root, and other users of the machine not to vlogd.

root works in a folder of the user that a daemon would have here (uid 65534), who has put links there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home

from vlogd.core.model import File, Item
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import sqlite_url

_OTHER = 65534

_AS_OTHER = ("setpriv", f"--reuid={_OTHER}", f"--regid={_OTHER}", "--clear-groups", "--")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become somebody else, and with setpriv",
)


def as_other(*words: object) -> "subprocess.CompletedProcess[str]":
    """A command of the other user."""
    return subprocess.run(
        [*_AS_OTHER, *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that everybody can get to, as in /srv."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(0o755)
    if as_other(sys.executable, "-c", "import vlogd").returncode != 0:
        pytest.skip("other users cannot run this checkout")
    return Home(tmp_path / "home")


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A folder of root's, empty; nothing in it may change."""
    folder = tmp_path / "victim"
    folder.mkdir()
    before = folder.stat()
    yield folder
    after = folder.stat()
    assert list(folder.iterdir()) == []
    assert (after.st_uid, after.st_mode, after.st_mtime_ns) == (0, before.st_mode, before.st_mtime_ns)


def give_away(home: Home) -> None:
    """All of it belongs to the other user, as with `User=` in a unit; only the configuration is root's."""
    for path in (home.folder, *home.folder.rglob("*")):
        if path != home.config:
            os.chown(path, _OTHER, _OTHER, follow_symlinks=False)


def with_film(home: Home) -> Item:
    """An item that the journal knows."""
    item = Item("0" * 16, "Film", "film-000000", "main", File(f"{'0' * 16}/film.mp4"), "0" * 64, 5, 1e9)
    journal = Journal(sqlite_url(home.folder / "state/journal.db"))
    journal.items.add(item)
    journal.close()
    return item


@pytest.mark.parametrize("command", [("rm", "film"), ("cancel", "film"), ("retry", "film")])
def test_root_follows_no_link_out_of_the_requests(home: Home, victim: Path, command: tuple[str, str]) -> None:
    """Once root wrote into whatever folder `requests` led to, and gave that folder to vlogd's user."""
    with_film(home)
    (home.folder / "state/requests").symlink_to(victim)
    give_away(home)
    asked = home.vlogd(*command, check=False)
    assert asked.returncode == 1
    assert "requests" in asked.stderr
    assert "Traceback" not in asked.stderr


def test_root_follows_no_link_in_place_of_the_state_folder(home: Home, victim: Path) -> None:
    """Whoever owns the folder around it can put one there; what root runs then has their rights only."""
    (home.folder / "state").rmdir()
    (home.folder / "state").symlink_to(victim)
    give_away(home)
    ran = home.once()
    assert ran.returncode == 1
    assert "state" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_root_follows_no_link_out_of_an_inbox(home: Home, victim: Path, tmp_path: Path) -> None:
    """`vlogd add` reads with root's rights and writes with those of vlogd's user."""
    film = stamped(tmp_path / "film.mp4", seconds=1)
    film.chmod(0o600)
    give_away(home)
    home.vlogd("add", film)
    added = home.inbox / "film.mp4"
    assert (added.stat().st_uid, added.read_bytes()) == (_OTHER, film.read_bytes())
    added.unlink()
    home.inbox.rmdir()
    home.inbox.symlink_to(victim)
    refused = home.vlogd("add", film, check=False)
    assert refused.returncode == 1
    assert "Permission denied" in refused.stderr


def test_root_s_requests_are_the_daemon_s_user_s(home: Home) -> None:
    """They are carried out: the code is right, and the daemon's user can read and delete them."""
    with_film(home)
    give_away(home)
    home.vlogd("rm", "film")
    (request,) = (home.folder / "state/requests").glob("*.json")
    assert request.stat().st_uid == _OTHER
    ran = as_other(sys.executable, "-m", "vlogd", "--config", home.config, "run", "--once")
    assert "item.removing" in ran.stderr
    assert not request.exists()


def test_root_obeys_no_configuration_that_somebody_left_in_a_folder(home: Home, victim: Path) -> None:
    """Root goes to look around there and types `vlogd status`: the file found could make vlogd work anywhere."""
    home.config.write_text(
        f"state: {victim}\noriginals: {victim}\nlibrary: {victim}\ninboxes: {{main: {{folder: {victim}}}}}\n"
    )
    give_away(home)
    command = [sys.executable, "-m", "vlogd", "run", "--once"]
    found = subprocess.run(command, cwd=home.folder, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 1
    assert "--config" in found.stderr


def test_root_s_repairs_are_the_owner_s(home: Home) -> None:
    """What root wrote there, the daemon's user could not change any more."""
    with_film(home)
    give_away(home)
    assert "it was forgotten" in home.vlogd("fsck", "--repair").stdout
    assert {path.stat().st_uid for path in (home.folder / "state").iterdir()} == {_OTHER}


def test_a_daemon_s_user_who_only_owns_the_journal_is_obeyed(home: Home) -> None:
    """A state folder of root's that is open to the user's group: root's commands work as that user there, too."""
    with_film(home)
    give_away(home)
    state = home.folder / "state"
    os.chown(state, 0, _OTHER)
    state.chmod(0o770)
    home.vlogd("cancel", "film")
    (request,) = (state / "requests").glob("*.json")
    assert request.stat().st_uid == _OTHER
    assert (
        "item.cancelled"
        in as_other(sys.executable, "-m", "vlogd", "--config", home.config, "run", "--once").stderr
    )


def test_a_home_that_root_makes_in_somebody_s_folder_is_theirs(home: Home, victim: Path) -> None:
    """And the links that lie there already lead root nowhere."""
    give_away(home)
    new = home.folder / "new"
    new.mkdir()
    (new / "vlogd.yaml").symlink_to(victim / "planted")
    os.chown(new, _OTHER, _OTHER)
    home.vlogd("init", new, config=False)
    assert {(new / name).stat().st_uid for name in ("inbox", "state", "originals", "library")} == {_OTHER}


def test_what_root_s_vlogd_once_wrote_in_somebody_s_folder_is_told(home: Home) -> None:
    """With root's rights no more, it can't go on with it; the sentence says what to do."""
    with_film(home)
    give_away(home)
    for path in (home.folder / "state/journal.db", home.folder / "state"):
        os.chown(path, 0, 0)
        path.chmod(0o700)
        ran = home.once()
        assert ran.returncode == 1
        assert "chown -R" in ran.stderr


def test_others_see_nothing_of_the_state_and_are_told_what_to_do(home: Home) -> None:
    """The journal names every file that anybody dropped. Folders of an earlier version are closed at the next start."""
    state = home.folder / "state"
    (state / "requests").mkdir(mode=0o755)
    state.chmod(0o755)
    assert home.once().returncode == 0
    assert {path.name for path in state.iterdir()} >= {"journal.db", "live.json", "lock", "request-key"}
    assert as_other("ls", state).returncode != 0
    for path in state.iterdir():
        assert as_other("ls" if path.is_dir() else "cat", path).returncode != 0, path
    told = as_other(sys.executable, "-m", "vlogd", "--config", home.config, "status")
    assert told.returncode == 1
    assert "open to root and to the user root only" in told.stderr
    assert "sudo" in told.stderr


def test_a_file_that_vlogd_did_not_make_removes_nothing(home: Home) -> None:
    """Though it is root's own and lies among the requests: another program was led to put it there."""
    stamped(home.inbox / "one.mp4", seconds=2)
    assert home.once().returncode == 0
    (video,) = home.videos()
    forged = home.folder / "state/requests/a.json"
    forged.parent.mkdir(exist_ok=True)
    forged.write_text(f'{{"remove": "{video["id"]}", "now": true, "at": 4000000000.0}}')
    ran = home.once()
    assert len(home.videos()) == 1
    assert "item.removing" not in ran.stderr
    assert ran.stderr.count("ask again") == 1
    assert not forged.exists()
