"""Two daemons on the same folders: the second one keeps off, whichever machine the first one runs on."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from clips import stamped
from daemon import Home, kill, tree, until
from taking import seen

from vlogd.core import digest
from vlogd.core.cancellation import Never
from vlogd.core.errors import Unavailable
from vlogd.core.model import File, Item
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_worker import LibraryWorker
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Accepted, Duplicate, Failed, NotTaken
from vlogd.media.process import Limits
from vlogd.site.publisher import Publisher
from vlogd.stages.pipeline import STAGES
from vlogd.storage.lease import Lease
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.retention import Retention
from vlogd.storage.volumes import Volumes


@pytest.fixture
def first(tmp_path: Path) -> Home:
    """The home of the daemon that was there first."""
    return Home(tmp_path / "first")


def second(first: Home, *shared: str) -> Home:
    """Another home, with a state folder of its own, that uses some folders of the first one."""
    home = Home(first.folder.parent / "second")
    text = home.config.read_text()
    for name in shared:
        assert f"{name}: {name}" in text
        text = text.replace(f"{name}: {name}", f"{name}: {first.folder / name}")
    home.config.write_text(text)
    return home


@contextmanager
def running(home: Home) -> Iterator["subprocess.Popen[bytes]"]:
    """A daemon that has begun to work, killed at the end."""
    count = home.logged().count("vlogd.started")
    daemon = home.start()
    try:
        until(lambda: home.logged().count("vlogd.started") > count)
        yield daemon
    finally:
        kill(daemon)


@contextmanager
def another_machine(folder: Path) -> Iterator[None]:
    """A fake: a vlogd on a machine whose locks are not seen here. It beats every second."""
    process = {"host": "nas2", "machine": "ffff", "boot": "b00f", "pid_namespace": "pid:[1]"}
    document = {
        "format": 1,
        "owner": "0123",
        "process": process | {"pid": 7, "start_ticks": 7},
        "version": "",
        "started_at": 1.0,
        "beat_seconds": 1.0,
    }
    stop = threading.Event()

    def write(beats: int) -> None:
        temporary = folder / ".vlogd-new-of-nas2"
        temporary.write_text(json.dumps({**document, "beats": beats}))
        temporary.replace(folder / ".vlogd-lease.json")

    def beat() -> None:
        beats = 0
        while not stop.wait(1):
            write(beats := beats + 1)

    write(0)
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def claim_in_progress(home: Home) -> Path:
    """What a daemon has of a file that it is just about to take: its note, and not yet the file.

    The daemon must have looked at its claims once: at a start it removes those that an earlier one left empty.
    """
    (home.inbox / "letter.mp4").write_text("a letter")
    until(lambda: "file.failed" in home.logged())
    folder = home.folder / "originals/.incoming/0123456789abcdef0123456789abcdef"
    folder.mkdir(parents=True)
    note = {"inbox": "main", "path": str(home.inbox / "film.mp4"), "accepted_at": 1e9}
    (folder / ".vlogd-claim.json").write_text(json.dumps(note))
    return folder


def test_a_second_daemon_on_the_same_originals(first: Home) -> None:
    """It says who has them and changes nothing: it used to remove the first one's claims."""
    other = second(first, "originals")
    (other.library / ".vlogd-volume").touch()
    with running(first):
        claim = claim_in_progress(first)
        stamped(other.inbox / "film.mp4", seconds=2)
        refused = other.once()
        assert refused.returncode == 1
        assert "is in use by the vlogd on" in refused.stderr
        assert str(first.folder / "originals") in refused.stderr
        assert (claim / ".vlogd-claim.json").exists()
        assert (other.inbox / "film.mp4").exists()
        repair = other.vlogd("fsck", "--repair", check=False)
        assert repair.returncode == 1
        assert "is in use by the vlogd on" in repair.stderr
    assert other.once().returncode == 0  # the first one was killed: it costs no time


def test_a_second_daemon_that_waits(first: Home) -> None:
    """It says so in its status, and begins when the first one ends."""
    other = second(first, "originals")
    (other.library / ".vlogd-volume").touch()
    with running(first) as daemon:
        waiting = other.start()
        try:
            until(lambda: "is in use by" in other.vlogd("status").stdout)
            daemon.terminate()
            assert daemon.wait(15) == 0
            until(lambda: "vlogd.started" in other.logged())
        finally:
            kill(waiting)


def test_a_library_of_other_originals(first: Home) -> None:
    """It knows whose it is, so nothing that looks like a stranger to the second one can leave the page."""
    stamped(first.inbox / "one.mp4", seconds=2)
    assert first.once().returncode == 0
    other = second(first, "library")
    before = tree(first.library)
    refused = other.once()
    assert refused.returncode == 1
    assert "configure a library of their own" in refused.stderr
    (other.folder / "originals").mkdir(exist_ok=True)
    (
        other.folder / "originals/.vlogd-volume"
    ).touch()  # what the refusal once advised, and now advises against
    for words in (("run", "--once"), ("fsck", "--repair")):
        refused = other.vlogd(*words, check=False)
        assert refused.returncode == 1
        assert "belongs to other originals" in refused.stderr + refused.stdout
    assert tree(first.library) == before
    (first.library / ".workshop/originals.json").unlink()  # as advised when the first ones are lost for good
    assert other.once().returncode == 0
    assert other.vlogd("fsck", "--repair", check=False).returncode == 1
    assert (first.library / "videos").exists()
    assert [video["title"] for video in first.videos()] == ["one"]


def test_a_vlogd_on_another_machine(first: Home) -> None:
    """It beats, so it is refused; when it stops to beat, the folder is taken over."""
    assert first.once().returncode == 0
    for folder in (first.folder / "originals", first.library / ".workshop"):
        with another_machine(folder):
            refused = first.once()
            assert refused.returncode == 1
            assert "is in use by the vlogd on nas2 (process 7" in refused.stderr
            repair = first.vlogd("fsck", "--repair", check=False)
            assert "is in use by the vlogd on nas2" in repair.stderr
        assert first.once().returncode == 0


def test_a_lease_that_is_lost(first: Home) -> None:
    """Nothing is taken or published any more, with a sentence, until the other one left; then work goes on by itself."""
    first.config.write_text(
        first.config.read_text().replace("retry: {", "retry: {unavailable_wait_seconds: 1, ")
    )
    with running(first):
        with another_machine(first.folder / "originals"):
            stamped(first.inbox / "film.mp4", seconds=2)
            until(lambda: "in use by the vlogd on nas2" in first.vlogd("status").stdout)
            assert (first.inbox / "film.mp4").exists()
            assert not list(first.folder.glob("originals/.incoming/*/film.mp4"))
            assert "nas2" in (first.folder / "originals/.vlogd-lease.json").read_text()
        (first.folder / "originals/.vlogd-lease.json").unlink()
        until(lambda: [video["status"] for video in first.videos()] == ["ready"])
    shutil.rmtree(first.folder / "state")  # its process is seen to be dead, so this costs no time either
    assert first.once().returncode == 0


def test_a_file_that_comes_while_its_empty_claim_is_removed(
    intake: Intake, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of a vlogd that is not seen from here: its file arrives between the look and the removal."""
    claim = tmp_path / "originals/.incoming/0123"
    claim.mkdir(parents=True)
    look = Path.iterdir

    def too_early(folder: Path) -> Iterator[Path]:
        yield from list(look(folder))
        if folder == claim:
            (claim / "film.mp4").write_text("the only copy")

    monkeypatch.setattr(Path, "iterdir", too_early)
    list(intake.resume({inbox.name: inbox}))
    assert (claim / "film.mp4").read_text() == "the only copy"


@pytest.mark.parametrize("policy", ["delete", "archive"])
def test_no_original_goes_without_the_lease(policy: Literal["delete", "archive"], tmp_path: Path) -> None:
    """It belongs to the vlogd that took the folder over."""
    folder, state = tmp_path / "originals", tmp_path / "state"
    film = folder / "00aa/film"
    for each in (film.parent, state, tmp_path / "archive"):
        each.mkdir(parents=True)
    film.write_bytes(b"a film")
    item = Item("00aa", "A", "a-00aa", "main", File("00aa/film"), digest.identity(film), 6, 1e9)
    archive = {"archive": tmp_path / "archive"}
    volumes = Volumes(
        state,
        {"originals": folder, "library": tmp_path / "library"},
        0,
        archive,
        [Lease("originals", folder, state)],
    )
    volumes.check()
    originals, library = Originals(folder, tmp_path / "archive"), Library(tmp_path / "library")
    environment = Environment(library, originals, state / "scratch", Limits(), Never(), volumes)
    retention = Retention(policy, 0.0, tmp_path / "archive")
    worker = LibraryWorker(environment, Publisher(library), STAGES, retention)
    with another_machine(folder), pytest.raises(Unavailable, match="nas2"):
        worker.retire(item)
    assert film.exists()
    assert list((tmp_path / "archive").glob("*/*")) == []
    volumes.close()


@pytest.mark.parametrize("verdict", ["a video", "no video", "known already"])
def test_a_lease_that_is_lost_while_a_file_is_identified(
    verdict: str, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is left to whoever has the folder now: it is neither accepted nor rejected, and no copy is deleted."""
    originals, state = tmp_path / "originals", tmp_path / "state"
    state.mkdir()
    volumes = Volumes(state, {"originals": originals}, 0)
    film = stamped(inbox.folder / "film.mp4", seconds=1)
    intake = Intake(Originals(originals), Limits(), Never(), volumes)
    if verdict == "known already":
        shutil.copy(film, tmp_path / "copy.mp4")
        assert isinstance(intake.take(film, inbox, seen(film)), Accepted)
        shutil.move(tmp_path / "copy.mp4", film)
    elif verdict == "no video":
        film.write_bytes(b"a letter")
    is_lost: list[Unavailable] = []

    def check(*_optional: str) -> None:
        if is_lost:
            raise is_lost[0]

    def loses(path: Path) -> str:
        is_lost.append(Unavailable("It is in use by the vlogd on nas2."))
        return identity(path)

    identity = digest.identity
    monkeypatch.setattr(volumes, "check", check)
    monkeypatch.setattr(digest, "identity", loses)
    outcome = intake.take(film, inbox, seen(film))
    assert isinstance(outcome, NotTaken)
    assert "nas2" in outcome.sentence
    assert [path.name for path in originals.glob(".incoming/*/*.mp4")] == ["film.mp4"]
    assert not (inbox.folder / "_failed").exists()
    is_lost.clear()
    monkeypatch.undo()
    (resumed,) = intake.resume({inbox.name: inbox})
    kinds = {"a video": Accepted, "no video": Failed, "known already": Duplicate}
    assert isinstance(resumed, kinds[verdict])
