"""Hints by listing, which watcher `auto` chooses, and what happens at the limits of inotify."""

import errno
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, kill, until
from watchdog.observers.inotify_c import InotifyFD

from vlogd.core.errors import Unavailable
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, InboxProblem, Notice
from vlogd.media.process import Limits
from vlogd.storage.mounts import file_system
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes
from vlogd.watchers import polling, registry
from vlogd.watchers.inotify import InotifyWatcher
from vlogd.watchers.polling import PollingWatcher

# A rescan would find the file as well, an hour later: what is taken within a test was hinted at.
_INBOX = "main: {folder: inbox, settle_seconds: 1, rescan_seconds: 3600"

_AS_ROOT_OF_ITS_OWN = ["unshare", "--user", "--map-root-user", "--mount"]


def can_unshare() -> bool:
    """Whether this user may have namespaces of its own (some kernels and containers forbid it)."""
    done = subprocess.run([*_AS_ROOT_OF_ITS_OWN, "true"], capture_output=True, check=False)
    return done.returncode == 0


needs_namespaces = pytest.mark.skipif(not can_unshare(), reason="no user namespaces here")


@contextmanager
def stopping(daemon: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Stop `daemon` in order after what is done with it; if that failed, end it all the same."""
    try:
        yield
        daemon.terminate()
        assert daemon.wait(60) == 0
    finally:
        if daemon.poll() is None:
            kill(daemon)


@pytest.fixture
def hints(tmp_path: Path) -> Iterator[Callable[[], set[Path]]]:
    """All paths, relative to the watched folder `tmp_path`, that a quick polling watcher named since last asked."""
    heard: queue.SimpleQueue[Path] = queue.SimpleQueue()
    watcher = PollingWatcher(every_seconds=0.05)
    watcher.start(tmp_path, heard.put)
    yield lambda: {heard.get().relative_to(tmp_path) for _ in range(heard.qsize())}
    watcher.stop()
    watcher.stop()  # the contract: safe to call twice
    assert "vlogd-polling" not in {thread.name for thread in threading.enumerate()}


def test_polling_tells_of_new_and_changed_files(tmp_path: Path, hints: Callable[[], set[Path]]) -> None:
    """A new file, one that grows, one that is replaced by a rename, one in a folder that is moved in."""
    film = Path("film.mp4")
    (tmp_path / film).write_bytes(b"1")
    until(lambda: film in hints())
    until(lambda: not hints())
    with (tmp_path / film).open("ab") as file:
        file.write(b"2")
    until(lambda: film in hints())
    until(lambda: not hints())
    os.utime(tmp_path / film, (1, 1))
    until(lambda: film in hints())
    (tmp_path / "folder/deep").mkdir(parents=True)
    (tmp_path / "folder/deep/other.mp4").touch()
    until(lambda: Path("folder/deep/other.mp4") in hints())
    (tmp_path / "folder").rename(tmp_path / "moved")
    until(lambda: Path("moved/deep/other.mp4") in hints())
    until(lambda: not hints())


def test_polling_survives_a_folder_that_comes_and_goes(tmp_path: Path) -> None:
    """A share that is away for a while is polled on, and its files are told of again when it is back."""
    folder = tmp_path / "share"
    heard: queue.SimpleQueue[Path] = queue.SimpleQueue()
    watcher = PollingWatcher(every_seconds=0.05)
    watcher.start(folder, heard.put)
    for _ in range(2):
        folder.mkdir()
        (folder / "film.mp4").touch()
        assert heard.get(timeout=60) == folder / "film.mp4"
        folder.rename(tmp_path / "away")
        (tmp_path / "away/film.mp4").unlink()
        (tmp_path / "away").rmdir()
    watcher.stop()


def test_polling_remembers_a_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write to an inbox may put any number of names there."""
    monkeypatch.setattr(polling, "_MOST_NAMES", 3)
    for number in range(10):
        (tmp_path / str(number)).touch()
    heard: queue.SimpleQueue[Path] = queue.SimpleQueue()
    watcher = PollingWatcher(every_seconds=0.01)
    watcher.start(tmp_path, heard.put)
    names = {heard.get(timeout=60).name for _ in range(3)}
    watcher.stop()
    assert len(names) == 3
    assert heard.empty()


@pytest.mark.parametrize("watch", ["polling", "inotify", "auto"])
def test_a_running_daemon_takes_what_its_watcher_hints_at(tmp_path: Path, watch: str) -> None:
    """Files beside and inside a folder that appears later, long before the next rescan."""
    home = Home(tmp_path)
    home.config.write_text(home.config.read_text().replace("main: {folder: inbox, settle_seconds: 1", f"{_INBOX}, watch: {watch}"))  # fmt: skip
    with stopping(home.start()):
        until(lambda: "vlogd.started" in home.logged())
        stamped(tmp_path / "one.mp4", seconds=1, sound=False).rename(home.inbox / "one.mp4")
        until(lambda: home.logged().count("item.accepted") == 1)
        (home.inbox / "folder").mkdir()
        stamped(home.inbox / "folder/two.mp4", seconds=2, sound=False)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"] * 2)
    assert "inbox.trouble" not in home.logged()


_MOUNTS = (
    r"""
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /home rw shared:2 - btrfs /dev/sda2 rw
24 22 0:22 / /mnt/nas rw shared:3 - nfs4 nas:/video rw,vers=4.2
25 24 0:23 / /mnt/nas/local rw - xfs /dev/sdb1 rw
26 22 0:24 / /mnt/with\040space rw - cifs //nas/video rw
27 22 0:25 / /mnt/back\134slash rw - nfs nas:/x rw
28 22 0:26 / /mnt/Vidéos rw - nfs nas:/y rw
30 22 0:28 / /mnt/old rw - ext4 /dev/sdc1 rw
31 30 0:29 / /mnt/old rw - fuse.sshfs you@there: rw
""".lstrip().encode()
    + b"29 22 0:27 / /mnt/\xff\xfe rw - smb3 //nas/z rw\n"
)


@pytest.mark.parametrize(
    ("folder", "kind", "watcher"),
    [
        (b"/srv/video/inbox", "ext4", "inotify"),
        (b"/home/you/inbox", "btrfs", "inotify"),
        (b"/mnt/nas", "nfs4", "polling"),
        (b"/mnt/nas/inbox", "nfs4", "polling"),
        (b"/mnt/nas/local/inbox", "xfs", "inotify"),
        (b"/mnt/nashorn/inbox", "ext4", "inotify"),
        (b"/mnt/with space/inbox", "cifs", "polling"),
        (b"/mnt/back\\slash/inbox", "nfs", "polling"),
        ("/mnt/Vidéos/inbox".encode(), "nfs", "polling"),
        (b"/mnt/\xff\xfe/inbox", "smb3", "polling"),
        (b"/mnt/old/inbox", "fuse.sshfs", "polling"),
    ],
)
def test_auto_looks_at_the_file_system_of_the_folder(
    tmp_path: Path, folder: bytes, kind: str, watcher: str
) -> None:
    """The innermost and latest mount counts, whatever bytes its name has."""
    mounts = tmp_path / "mountinfo"
    mounts.write_bytes(_MOUNTS)
    assert file_system(Path(os.fsdecode(folder)), mounts) == kind
    assert registry.suited(file_system(Path(os.fsdecode(folder)), mounts)) == watcher


@pytest.mark.parametrize(
    ("kind", "watcher"),
    [(kind, "polling") for kind in ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.rclone", "fuse.mergerfs",
                                    "fuse.glusterfs", "9p", "afs", "ceph", "virtiofs", "vboxsf")]
    + [(kind, "inotify") for kind in ("ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay", "vfat", "exfat")],
)  # fmt: skip
def test_auto_polls_where_the_kernel_hears_nothing(tmp_path: Path, kind: str, watcher: str) -> None:
    """Changes made on another machine, or behind FUSE, cause no inotify event here."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 0:20 / / rw - {kind} source rw\n")
    assert registry.suited(file_system(Path("/srv/inbox"), mounts)) == watcher


@needs_namespaces
@pytest.mark.parametrize("name", ["plain", "with space", "tab\tand\nline", "back\\slash", "#1", "Vidéos", "\udcff\udcfe"])  # fmt: skip
def test_the_kernel_writes_mount_points_as_they_are_read(tmp_path: Path, name: str) -> None:
    """A real mount, of a kind that nothing else here has, under a name that needs care."""
    folder = tmp_path / name
    folder.mkdir()
    code = "import pathlib, sys, vlogd.storage.mounts as w; print(w.file_system(pathlib.Path(sys.argv[1]) / 'inbox'))"
    mounted: list[str | Path] = [
        "sh",
        "-c",
        'mount -t ramfs ramfs "$0" && exec "$@"',
        folder,
        sys.executable,
        "-c",
        code,
        folder,
    ]
    done = subprocess.run([*_AS_ROOT_OF_ITS_OWN, *mounted], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ramfs\n", "")


@needs_namespaces
@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_a_daemon_at_the_kernels_limit_polls_and_says_so(tmp_path: Path, limit: str) -> None:
    """With no inotify left at all, a dropped file is published all the same."""
    home = Home(tmp_path)
    home.config.write_text(home.config.read_text().replace("main: {folder: inbox, settle_seconds: 1", _INBOX))
    limited = [*_AS_ROOT_OF_ITS_OWN, "sh", "-c", f'echo 0 >/proc/sys/user/{limit} && exec "$@"', "sh"]
    with home.log.open("ab") as log:
        daemon = subprocess.Popen(
            [*limited, sys.executable, "-m", "vlogd", "--config", home.config, "run"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    with stopping(daemon):
        until(lambda: "vlogd.started" in home.logged())
        stamped(tmp_path / "one.mp4", seconds=1).rename(home.inbox / "one.mp4")
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        assert "inotify limit is reached" in home.status()["troubles"]["main: watching"]
    assert home.logged().count("inbox.trouble") == 1
    assert "inotify limit is reached" in home.logged()
    assert "fs.inotify.max_user_watches" in home.logged()
    assert "It is listed every few seconds instead." in home.logged()
    assert "Traceback" not in home.logged()


@pytest.mark.parametrize("method", ["__init__", "add_callback"])
@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "max_user_watches"), (errno.EMFILE, "max_user_instances"), (errno.EACCES, "Permission denied")],
)  # fmt: skip
def test_a_folder_that_cannot_be_watched_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, number: int, words: str
) -> None:
    """Whichever call meets the kernel's refusal, it becomes a sentence, and nothing stays open."""
    monkeypatch.setattr(InotifyFD, method, refusal(number))
    watcher = InotifyWatcher()
    opened = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(Unavailable, match=words) as caught:
        watcher.start(tmp_path, lambda _path: None)
    assert str(tmp_path) in str(caught.value)
    watcher.stop()
    assert len(list(Path("/proc/self/fd").iterdir())) == opened


def test_inotify_tells_of_everything_below(tmp_path: Path) -> None:
    """In folders that were there, that are made, moved in, renamed; a folder that comes with files is named itself."""
    (tmp_path / "inbox/old").mkdir(parents=True)
    (tmp_path / "album/deep").mkdir(parents=True)
    heard: set[Path] = set()
    watcher = InotifyWatcher()
    watcher.start(tmp_path / "inbox", heard.add)
    inbox = tmp_path / "inbox"
    try:
        (inbox / "old/one.ts").touch()
        until(lambda: inbox / "old/one.ts" in heard, 10)
        (tmp_path / "album").rename(inbox / "album")
        until(lambda: inbox / "album" in heard, 10)
        (inbox / "album/deep/two.ts").touch()
        until(lambda: inbox / "album/deep/two.ts" in heard, 10)
        (inbox / "album").rename(inbox / "renamed")
        until(lambda: inbox / "renamed" in heard, 10)
        (inbox / "renamed/deep/three.ts").touch()
        until(lambda: inbox / "renamed/deep/three.ts" in heard, 10)
        (inbox / os.fsdecode(b"\xff.ts")).touch()
        until(lambda: inbox / os.fsdecode(b"\xff.ts") in heard, 10)
    finally:
        watcher.stop()
    assert "vlogd-inotify" not in {thread.name for thread in threading.enumerate()}


def test_inotify_watches_nothing_behind_a_link(tmp_path: Path) -> None:
    """A link that takes the place of a new folder leads the watcher nowhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "inbox").mkdir()
    heard: set[Path] = set()
    watcher = InotifyWatcher()
    watcher.start(tmp_path / "inbox", heard.add)
    try:
        (tmp_path / "inbox/link").symlink_to(tmp_path / "elsewhere")
        until(lambda: tmp_path / "inbox/link" in heard, 10)
        (tmp_path / "elsewhere/film.ts").touch()
        (tmp_path / "inbox/last.ts").touch()
        until(lambda: tmp_path / "inbox/last.ts" in heard, 10)
    finally:
        watcher.stop()
    assert heard == {tmp_path / "inbox/link", tmp_path / "inbox/last.ts"}


def test_an_inbox_that_cannot_be_watched_is_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trouble is told once, and what is dropped later is taken long before the next rescan."""
    monkeypatch.setattr(InotifyFD, "add_callback", refusal(errno.ENOSPC))
    inbox, originals = tmp_path / "inbox", tmp_path / "originals"
    inbox.mkdir()
    said: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    arrival = Ingestor(
        [Inbox("main", inbox, "inotify", settle_seconds=0.1, rescan_seconds=3600)],
        Intake(
            Originals(originals), Limits(), threading.Event(), Volumes(tmp_path, {"originals": originals}, 0)
        ),
        said.put,
    )
    arrival.start()
    try:
        trouble = said.get(timeout=60)
        assert isinstance(trouble, InboxProblem)
        assert trouble.place == "main: watching"
        assert trouble.sentence.endswith("It is listed every few seconds instead.")
        stamped(tmp_path / "one.mp4", seconds=1).rename(inbox / "one.mp4")
        assert isinstance(said.get(timeout=60), Accepted)
    finally:
        arrival.stop()
    assert said.empty()


def refusal(number: int) -> Callable[..., None]:
    """A method that fails as the kernel would."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse
