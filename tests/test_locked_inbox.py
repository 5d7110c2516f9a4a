"""Who may write into an inbox reaches nothing else by it: each test is an attack, won at the worst moment.

The moment is an audit event of Python (`sys.addaudithook`): the attacker acts just before that very system call.
"""

import fcntl
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from clips import stamped
from daemon import until
from taking import intake_into, seen

from vlogd.core import contents as contents_module
from vlogd.core import digest
from vlogd.core.errors import Unavailable
from vlogd.ingest import ingestor as ingestor_module
from vlogd.ingest import intake as intake_module
from vlogd.ingest import quarantine, sparse
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.inbox_watch import InboxWatch
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Changed, Failed, Notice, NotTaken, Outcome
from vlogd.ingest.problems import Problems
from vlogd.media import ffprobe
from vlogd.storage.originals import Originals

NOBODY = 65534

_moments: dict[str, Callable[[], None]] = {}


def _watch_moments(event: str, _arguments: tuple[Any, ...]) -> None:
    act = _moments.pop(event, None)
    if act is not None:
        act()


sys.addaudithook(_watch_moments)  # cannot be taken away again; without moments it does nothing


@pytest.fixture
def at() -> Iterator[Callable[..., None]]:
    """Have something done just before the next of these audit events."""

    def register(act: Callable[[], None], *events: str) -> None:
        def once() -> None:
            for event in events:
                _moments.pop(event, None)
            act()

        _moments.update(dict.fromkeys(events, once))

    yield register
    _moments.clear()


def exchanging(folder: Path, victim: Path) -> Callable[[], None]:
    """Puts a link to `victim` in the place of `folder`."""

    def exchange() -> None:
        folder.rename(folder.with_name(f"{folder.name}.away"))
        folder.symlink_to(victim)

    return exchange


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder that no dropper may reach, with a file in it."""
    folder = tmp_path / "state/requests"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("the site")
    return folder


def contents(folder: Path) -> dict[str, str]:
    """The files in a folder."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture(params=["one disk", "two disks"])
def any_intake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Intake]:
    """An intake on the inbox's file system, or on another one."""
    originals = tmp_path / "originals"
    if request.param == "two disks":
        originals = Path("/dev/shm") / f"vlogd-locked-{os.getpid()}"  # noqa: S108 - another file system is the point
        if originals.parent.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no second file system here")
    yield intake_into(originals, tmp_path)
    shutil.rmtree(originals, ignore_errors=True)


def test_failed_is_exchanged_for_a_link_while_a_file_is_put_there(
    inbox: Inbox, any_intake: Intake, victim: Path, at: Callable[..., None]
) -> None:
    """A removal request could be dropped so: the file's content and name are the attacker's."""
    path = inbox.folder / "a.json"
    path.write_text('{"remove": "everything"}')
    failed = inbox.folder / "_failed"
    failed.mkdir()
    state = seen(path)
    real = ffprobe.describe

    def rejected(*arguments: Any) -> Any:
        at(exchanging(failed, victim), "os.mkdir")
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(ffprobe, "describe", rejected)
        outcome = any_intake.take(path, inbox, state)
    assert contents(victim) == {"index.html": "the site"}
    (kept,) = [p for p in [*inbox.folder.rglob("a.json"), *any_intake._originals.root.rglob("a.json")] if p.is_file()]  # fmt: skip
    assert kept.read_text() == '{"remove": "everything"}'
    assert isinstance(outcome, Failed | NotTaken)


def test_failed_is_exchanged_for_a_link_at_the_last_sync(
    inbox: Inbox, intake: Intake, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes its time between the look at the folder and the rename into it."""
    path = inbox.folder / "a.json"
    path.write_text("{}")
    failed, sync = inbox.folder / "_failed", os.fsync

    def slow(descriptor: int) -> None:
        sync(descriptor)
        if failed.is_dir() and not failed.is_symlink():
            exchanging(failed, victim)()

    monkeypatch.setattr(os, "fsync", slow)
    intake.take(path, inbox, seen(path))
    assert contents(victim) == {"index.html": "the site"}


@pytest.mark.parametrize("way", ["clear", "take_back"])
def test_failed_is_exchanged_for_a_link_before_it_is_listed(
    way: str, inbox: Inbox, victim: Path, at: Callable[..., None]
) -> None:
    """Nothing is deleted or fetched from behind it."""
    (inbox.folder / "_failed").mkdir()
    (victim / "index.html.txt").write_text("why")
    os.utime(victim / "index.html.txt", (1, 1))
    before = contents(victim)
    at(exchanging(inbox.folder / "_failed", victim), "os.listdir", "os.scandir")
    if way == "clear":
        assert quarantine.keys([inbox.folder]) == []
    else:
        quarantine.take_back(inbox.folder)
    assert (inbox.folder / "_failed").is_symlink()
    assert contents(victim) == before
    assert list(inbox.folder.glob("index*")) == []


def test_a_folder_is_exchanged_for_a_link_before_its_file_settles(
    inbox: Inbox, intake: Intake, victim: Path
) -> None:
    """The site's page, a removed film in the trash: whatever lies behind the link is not taken."""
    folder = inbox.folder / "folder"
    folder.mkdir()
    (folder / "index.html").write_text("bait")
    now = [1000.0]
    watch = InboxWatch(
        Inbox("main", inbox.folder, "polling"), lambda _notice: None, Problems(lambda _notice: None), lambda _path: None, lambda: now[0]
    )  # fmt: skip
    watch.scan()
    exchanging(folder, victim)()
    for _ in range(3):
        now[0] += 10
        for path, state in watch.ready():
            intake.take(path, inbox, state)
    watch.close()
    assert contents(victim) == {"index.html": "the site"}


def test_a_folder_is_exchanged_for_a_link_before_a_file_is_put_back(
    inbox: Inbox, intake: Intake, victim: Path, at: Callable[..., None]
) -> None:
    """A file that is opened again at the last moment is returned into its own folder or kept."""
    folder = inbox.folder / "folder"
    folder.mkdir()
    path = folder / "evil.html"
    path.write_text("evil")
    with path.open("ab"):
        at(
            exchanging(folder, victim), "fcntl.fcntl"
        )  # the lease is asked for once the file is out of the inbox
        with pytest.raises(Unavailable):
            intake.take(path, inbox, seen(path))
    assert folder.is_symlink()
    assert contents(victim) == {"index.html": "the site"}
    list(intake.resume({"main": inbox}))
    assert [kept.read_text() for kept in inbox.folder.glob("_failed/evil.html")] == ["evil"]


def test_a_pipe_takes_the_place_of_a_file_that_is_about_to_be_copied(
    inbox: Inbox, tmp_path: Path, at: Callable[..., None]
) -> None:
    """Opening it to read would last until somebody writes to it, and nothing else would be taken."""
    originals = Path("/dev/shm") / f"vlogd-locked-pipe-{os.getpid()}"  # noqa: S108 - another file system is the point
    if originals.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    path = stamped(inbox.folder / "film.mp4", seconds=1)
    state, intake = seen(path), intake_into(originals, tmp_path)

    def exchange() -> None:
        path.rename(tmp_path / "film.mp4")
        os.mkfifo(path)

    at(exchange, "os.rename")  # of the claim's note
    taking = threading.Thread(target=intake.take, args=(path, inbox, state), daemon=True)
    taking.start()
    taking.join(20)
    is_stuck = taking.is_alive()
    if is_stuck:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        taking.join()
    shutil.rmtree(originals, ignore_errors=True)
    assert not is_stuck
    assert path.is_fifo()


class Moving(Intake):
    """A fake: takes files without looking into them."""

    def __init__(self, target: Path) -> None:
        target.mkdir()
        self.target = target

    def take(self, path: Path, _inbox: Inbox, _expected: object) -> Outcome:
        """Move it away under its name."""
        path.rename(self.target / path.name)
        return Failed(path, "", self.target)

    def resume(self, _inboxes: object) -> Iterator[Outcome]:
        """Nothing was claimed before."""
        return iter(())


@pytest.mark.parametrize("watch", ["inotify", "polling"])
def test_a_tree_of_a_thousand_folders(watch: Any, tmp_path: Path) -> None:
    """It is reported, and what else is dropped is taken as soon as ever."""
    inbox, notices = tmp_path / "inbox", list[Notice]()
    inbox.mkdir()
    deep(inbox, 1000)
    (inbox / "before.ts").write_bytes(b"film")
    (inbox / "folder/folder/below.ts").write_bytes(b"film")
    intake = Moving(tmp_path / "taken")
    rules = Inbox("main", inbox, watch, settle_seconds=0.1, rescan_seconds=3600)
    ingestor = Ingestor([rules], intake, notices.append)
    ingestor.start()
    try:
        until(lambda: {path.name for path in intake.target.iterdir()} == {"before.ts", "below.ts"}, 30)
        until(ingestor.is_idle, 30)
        (inbox / "folder/folder/after.ts").write_bytes(b"film")
        deep(inbox / "folder", 500)
        (inbox / "last.ts").write_bytes(b"film")
        until(lambda: {"after.ts", "last.ts"} <= {path.name for path in intake.target.iterdir()}, 30)
    finally:
        ingestor.stop()
        subprocess.run(["rm", "-rf", inbox], check=True)  # shutil.rmtree is recursive
    problems = [notice for notice in notices if not isinstance(notice, Failed)]
    assert {type(notice) for notice in problems} == {NotTaken}
    assert "64 folders deep" in str(problems[0])


def deep(folder: Path, levels: int) -> None:
    """Folders one within the other, whose path is longer than a path may be."""
    parent = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        try:
            os.mkdir("folder", dir_fd=parent)
        except FileExistsError:
            os.mkdir("another", dir_fd=parent)
            child = os.open("another", os.O_RDONLY, dir_fd=parent)
        else:
            child = os.open("folder", os.O_RDONLY, dir_fd=parent)
        os.close(parent)
        parent = child
    os.close(parent)


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_failed_folder_that_cannot_be_used(
    kind: str, tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file waits, is not probed again at each listing, and holds up neither its inbox nor the others."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    failed = folders[0] / "_failed"
    failed.symlink_to(victim) if kind == "link" else failed.touch()
    probed, describe = [], ffprobe.describe

    def counting(path: Path, *arguments: Any) -> Any:
        probed.append(path.parent.name)
        return describe(path, *arguments)

    monkeypatch.setattr(ffprobe, "describe", counting)
    notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    rules = [
        Inbox(folder.name, folder, "polling", settle_seconds=0.05, rescan_seconds=0.2) for folder in folders
    ]
    ingestor = Ingestor(rules, intake_into(tmp_path / "originals", tmp_path), notices.put)
    (folders[0] / "letter.mp4").write_text("dear")
    ingestor.start()
    try:
        waiting = notices.get(timeout=60)
        for number in range(3):
            stamped(tmp_path / f"{number}.mp4", seconds=1 + number).rename(
                folders[number % 2] / f"{number}.mp4"
            )
            assert isinstance(notices.get(timeout=60), Accepted)
        failed.unlink()
        assert isinstance(notices.get(timeout=60), Failed)
    finally:
        ingestor.stop()
    assert isinstance(waiting, NotTaken)
    assert "_failed cannot be used" in waiting.sentence
    assert len(probed) == len(set(probed))
    assert contents(victim) == {"index.html": "the site"}


def test_trouble_in_one_inbox_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong with it, the others are listed and taken (a fake: nobody foresaw it)."""
    folders = [tmp_path / "first", tmp_path / "second"]
    scan = InboxWatch.scan

    def failing(watch: InboxWatch) -> None:
        if watch.inbox.name == "first":
            raise RecursionError
        scan(watch)

    monkeypatch.setattr(InboxWatch, "scan", failing)
    for folder in folders:
        folder.mkdir()
        (folder / f"{folder.name}.ts").write_bytes(b"film")
    rules = [Inbox(folder.name, folder, settle_seconds=0.1, rescan_seconds=1) for folder in folders]
    intake = Moving(tmp_path / "taken")
    ingestor = Ingestor(rules, intake, lambda _notice: None)
    ingestor.start()
    try:
        until((intake.target / "second.ts").exists, 30)
    finally:
        ingestor.stop()


def test_a_full_inbox_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """Whoever drops any number of files keeps nobody else waiting for all of them (the clock is a fake: each takes 10 s)."""
    folders, late, taken = [tmp_path / "first", tmp_path / "second"], [0.0], list[str]()
    for folder in folders:
        folder.mkdir()
    for number in range(20):
        (folders[0] / f"{number}.ts").write_bytes(b"film")
    (folders[1] / "other.ts").write_bytes(b"film")

    class Slow(Moving):
        """A fake: each file takes its time."""

        def take(self, path: Path, inbox: Inbox, expected: object) -> Outcome:
            """Turn the clock."""
            late[0] += 10
            taken.append(path.name)
            return super().take(path, inbox, expected)

    rules = [
        Inbox(folder.name, folder, "polling", settle_seconds=0.1, rescan_seconds=3600) for folder in folders
    ]
    ingestor = Ingestor(
        rules, Slow(tmp_path / "taken"), lambda _notice: None, lambda: time.monotonic() + late[0]
    )
    ingestor.start()
    try:
        until(lambda: len(taken) == 21, 30)
    finally:
        ingestor.stop()
    assert "other.ts" in taken[:5]


def test_a_folder_is_listed_once_however_many_around_it_are_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 64 folders, one within the other, had all that is in the deepest listed again."""
    looks: list[Path] = []
    monkeypatch.setattr(InboxWatch, "look", lambda _watch, path: looks.append(path))
    inbox, other = tmp_path / "inbox", tmp_path / "inbox/d/other"
    ingestor = Ingestor(
        [Inbox("main", inbox), Inbox("other", other)], Moving(tmp_path / "taken"), lambda _notice: None
    )
    for path in (inbox / "d/d/film.ts", inbox / "d/d", inbox / "d", inbox / "film.ts"):
        ingestor._hint(0, path)
    ingestor._hint(1, other / "film.ts")
    ingestor._follow_hints()
    assert looks == [inbox / "d", inbox / "film.ts", other / "film.ts"]


def test_more_hints_than_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a film is being taken a dropper may cause any number; the listing finds what was not told of."""
    monkeypatch.setattr(ingestor_module, "_MOST_HINTS", 5)
    busy, go_on = threading.Event(), threading.Event()

    class Slow(Moving):
        """A fake: it takes its time over one film."""

        def take(self, path: Path, inbox: Inbox, expected: object) -> Outcome:
            """Wait before that one is moved."""
            if path.name == "slow.ts":
                busy.set()
                go_on.wait(60)
            return super().take(path, inbox, expected)

    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "slow.ts").write_bytes(b"film")
    intake = Slow(tmp_path / "taken")
    ingestor = Ingestor(
        [Inbox("main", inbox, "inotify", settle_seconds=0.1, rescan_seconds=1)], intake, lambda _notice: None
    )
    ingestor.start()
    try:
        assert busy.wait(60)
        for number in range(50):
            (inbox / f"{number}.ts").write_bytes(b"film")
        until(lambda: ingestor._hints.qsize() == 5, 30)
        go_on.set()
        until(lambda: len(list(intake.target.iterdir())) == 51, 30)
    finally:
        go_on.set()
        ingestor.stop()


_DROPPER = """
import os, shutil, sys
os.umask(0)
shutil.copyfile(0, "film.mp4")
os.chmod("film.mp4", 0o4777)
film = os.open("film.mp4", os.O_RDONLY)
print("dropped", flush=True)
sys.stdin = open("/dev/null")
os.read(3, 1)
for attack in (lambda: os.fchmod(film, 0o666), lambda: os.write(os.open(f"/proc/self/fd/{film}", os.O_WRONLY), b"EVIL")):
    try:
        attack()
    except OSError as error:
        print(error.strerror)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
@pytest.mark.parametrize("may_chown", [True, False])
def test_the_dropper_cannot_write_to_what_was_accepted(
    may_chown: bool, inbox: Inbox, any_intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He is its owner and has it open; vlogd is root, or (a fake) a user who may not give files to himself."""
    clip = stamped(tmp_path / "clip.mp4", seconds=1)
    inbox.folder.chmod(0o777)
    if not may_chown:
        monkeypatch.setattr(os, "fchown", refuse)
    go, told = os.pipe()
    with clip.open("rb") as film:
        dropper = subprocess.Popen(
            [sys.executable, "-c", _DROPPER.replace("os.read(3", f"os.read({go}")], stdin=film, stdout=subprocess.PIPE,
            text=True, cwd=inbox.folder, user=NOBODY, group=NOBODY, extra_groups=[], pass_fds=[go],
        )  # fmt: skip
    assert dropper.stdout is not None
    assert dropper.stdout.readline() == "dropped\n"
    path = inbox.folder / "film.mp4"
    os.setxattr(path, "user.note", b"from the dropper")
    outcome = any_intake.take(path, inbox, seen(path))
    os.write(told, b"!")
    dropper.communicate(timeout=30)
    for descriptor in (go, told):
        os.close(descriptor)
    assert isinstance(outcome, Accepted)
    original = Originals(any_intake._originals.root).find(outcome.item)
    assert original is not None
    assert original.read_bytes() == clip.read_bytes()
    status = original.stat()
    assert (status.st_uid, status.st_nlink, oct(status.st_mode & 0o7777)) == (0, 1, oct(0o644))
    assert os.listxattr(original) == []
    assert original.parent.stat().st_mode & 0o022 == 0
    assert {entry.name for entry in original.parent.iterdir()} == {
        "film.mp4",
        ".vlogd-item.json",
        ".vlogd-media.json",
    }


def refuse(*_arguments: object) -> None:
    """Fail as a system call does that only root may make."""
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
@pytest.mark.parametrize("may_chown", [True, False])
def test_what_is_no_video_stays_its_droppers(
    may_chown: bool, inbox: Inbox, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `_failed` it has the owner and the permissions that it was dropped with, and may be put right there."""
    if not may_chown:
        monkeypatch.setattr(os, "fchown", lambda *arguments: refuse() if arguments[1] == 0 else None)
    path = inbox.folder / "letter.mp4"
    path.write_text("dear")
    os.chown(path, NOBODY, NOBODY)
    path.chmod(0o660)
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Failed)
    status = outcome.moved_to.stat()
    assert (status.st_uid, oct(status.st_mode & 0o777)) == (NOBODY, oct(0o660))


def test_a_link_to_a_file_that_only_vlogd_may_read(inbox: Inbox, any_intake: Intake, tmp_path: Path) -> None:
    """A dropper would have it published."""
    secret = stamped(tmp_path / "secret.mp4", seconds=1)
    secret.chmod(0o600)
    inbox.folder.chmod(0o777)
    path = inbox.folder / "film.mp4"
    path.hardlink_to(secret)
    outcome = any_intake.take(path, inbox, seen(path))
    assert isinstance(outcome, NotTaken)
    assert "not everybody may read" in outcome.sentence
    assert path.samefile(secret)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
@pytest.mark.parametrize(
    ("inbox_owner", "inbox_mode", "film_mode", "is_taken"),
    [
        (NOBODY, 0o755, 0o600, False),
        (0, 0o1777, 0o640, False),
        (NOBODY, 0o755, 0o644, True),
        (1000, 0o755, 0o600, True),
        (0, 0o755, 0o600, True),
    ],
)
def test_a_link_to_a_file_that_root_may_read(
    inbox_owner: int, inbox_mode: int, film_mode: int, is_taken: bool, inbox: Inbox, any_intake: Intake, tmp_path: Path
) -> None:  # fmt: skip
    """A daemon that root runs reads every user's files: one user had another's published."""
    film = stamped(tmp_path / "film.mp4", seconds=1)
    os.chown(film, 1000, 1000)
    film.chmod(film_mode)
    os.chown(inbox.folder, inbox_owner, inbox_owner)
    inbox.folder.chmod(inbox_mode)
    path = inbox.folder / "film.mp4"
    path.hardlink_to(film)
    outcome = any_intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Accepted if is_taken else NotTaken)
    assert path.exists() != is_taken


def test_a_lease_comes_before_a_file_is_opened(inbox: Inbox, intake: Intake) -> None:
    """It has to become stable again, and its inbox is not told that a disk is missing."""
    path = inbox.folder / "film.ts"
    path.write_bytes(b"film")
    state = seen(path)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # tells the owner that somebody opens it
    try:
        with path.open("rb") as held:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            assert intake.take(path, inbox, state) == Changed(path)
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.signal(signal.SIGIO, before)


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_hard_link_of_a_downloader(mode: int, inbox: Inbox, any_intake: Intake, tmp_path: Path) -> None:
    """What it seeds stays its own, untouched; the original has no other name. A private one only vlogd's user can drop."""
    seeded = stamped(tmp_path / "seeded.mp4", seconds=1)
    seeded.chmod(mode)
    data = seeded.read_bytes()
    inbox.folder.chmod(0o777 if mode == 0o644 else 0o755)
    path = inbox.folder / "film.mp4"
    path.hardlink_to(seeded)
    outcome = any_intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Accepted)
    original = Originals(any_intake._originals.root).find(outcome.item)
    assert original is not None
    seeded.write_bytes(b"changed")
    assert original.read_bytes() == data
    assert (original.stat().st_nlink, seeded.stat().st_nlink, path.exists()) == (1, 1, False)


def test_a_folder_is_exchanged_for_a_link_while_its_inbox_is_renamed(
    inbox: Inbox, intake: Intake, victim: Path, tmp_path: Path
) -> None:
    """In the configuration: a refused file that waited went into `_failed` beside where it was dropped, through the link."""
    folder = inbox.folder / "folder"
    folder.mkdir()
    path = folder / "evil.html"
    path.write_text("evil")
    (inbox.folder / "_failed").touch()
    assert isinstance(intake.take(path, inbox, seen(path)), NotTaken)
    exchanging(folder, victim)()
    (inbox.folder / "_failed").unlink()
    other = Inbox("other", tmp_path / "other")
    (outcome,) = intake_into(intake._originals.root, tmp_path).resume({"other": other})
    assert isinstance(outcome, Failed)
    assert outcome.moved_to == inbox.folder / "_failed/evil.html"
    assert contents(victim) == {"index.html": "the site"}


def test_an_endless_search_in_a_sparse_file(
    inbox: Inbox, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has 32 bytes, takes no room, and kept all inboxes waiting for a quarter of an hour."""
    monkeypatch.setattr(intake_module, "_MOST_CPU_SECONDS", 1)
    monkeypatch.setattr(sparse, "_LARGE_BYTES", 1 << 41)
    path = inbox.folder / "film.mkv"
    ebml_header = bytes.fromhex("1a45dfa38b 4282 88") + b"matroska"
    with path.open("wb") as film:
        film.write(ebml_header + bytes.fromhex("18538067 01ffffffffffffff"))
        film.truncate(1 << 40)
    outcome = intake.take(path, inbox, seen(path))
    assert isinstance(outcome, Failed)
    assert "could not tell what the file is" in outcome.sentence


def test_twins_that_are_mostly_holes(
    inbox: Inbox, any_intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two films of 4 GiB with the same samples and one byte that differs: comparing them took a minute, and no room."""
    monkeypatch.setattr(digest, "identity", lambda path: pytest.fail(f"{path} was read"))
    monkeypatch.setattr(contents_module, "copy", lambda *_: pytest.fail("it was copied"))
    clip = stamped(tmp_path / "clip.mp4", seconds=1).read_bytes()
    for number in range(2):
        path = inbox.folder / f"{number}.mp4"
        with path.open("wb") as film:
            film.write(clip + (1).to_bytes(4, "big") + b"free" + (4 << 30).to_bytes(8, "big"))
            film.truncate(len(clip) + (4 << 30))
            film.seek(1 << 30)
            film.write(bytes([number]))
        outcome = any_intake.take(path, inbox, seen(path))
        assert isinstance(outcome, NotTaken)
        assert "mostly holes" in outcome.sentence
        assert path.exists()


_FROM_STICKY = """
import os, sys
from pathlib import Path
from taking import intake_into, seen
from vlogd.core import contents
from vlogd.ingest.inbox import Inbox
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
contents.copy = lambda *_: sys.exit("it was copied")
film, own = Path(sys.argv[1]), Path(sys.argv[2])
print(intake_into(own / "originals", own).take(film, Inbox("main", film.parent), seen(film)).sentence)
"""


def test_what_cannot_be_removed_is_not_copied_again_and_again() -> None:
    """From another disk, out of a folder like /tmp: at each listing the whole film was copied, and then not taken."""
    own, inbox = (
        Path(tempfile.mkdtemp()),
        Path(tempfile.mkdtemp(dir="/dev/shm")),
    )
    try:
        if own.stat().st_dev == inbox.stat().st_dev:
            pytest.skip("there is no second file system here")
        os.chown(own, NOBODY, NOBODY)
        inbox.chmod(0o1777)
        film = inbox / "film.ts"
        film.write_bytes(b"film")
        film.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", _FROM_STICKY, film, own], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    finally:
        shutil.rmtree(own)
        shutil.rmtree(inbox)
    assert "only its owner remove it (sticky bit)" in done.stdout, done.stderr
