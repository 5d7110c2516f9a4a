"""Every way in which files come: each is taken exactly once, whole, or left with a stated reason."""

import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, kill, until

from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.file_state import FileState
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Failed, InboxProblem, Notice, Outcome, UnexpectedError


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Short clips that all differ; MPEG-TS proves nothing about being whole, so that it must settle."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        path = folder / name
        if not path.exists():
            return stamped(path, seconds=1 + len(list(folder.iterdir())) / 25, sound=False)
        return path

    return make


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """A running vlogd; a parameter is its `settle_seconds`."""
    home = Home(tmp_path)
    seconds = getattr(request, "param", 1)
    home.config.write_text(home.config.read_text().replace("settle_seconds: 1", f"settle_seconds: {seconds}"))
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    yield home
    kill(daemon)


def taken(home: Home) -> dict[str, bytes]:
    """The accepted originals by name, each of which must be there once."""
    found: dict[str, bytes] = {}
    for path in home.folder.glob("originals/[0-9a-f]*/*"):
        if not path.name.startswith(".vlogd"):
            assert path.name not in found
            found[path.name] = path.read_bytes()
    return found


def slowly(
    clip: Path, target: Path, pause: Callable[[], object], pieces: int = 3, *, reopen: bool = False
) -> None:
    """Write a copy in pieces, keeping the file open or opening it again for each."""
    data = clip.read_bytes()
    size = len(data) // pieces + 1
    file = target.open("wb")
    for start in range(0, len(data), size):
        file.write(data[start : start + size])
        file.flush()
        if reopen:
            file.close()
            pause()
            file = target.open("ab")
        elif start + size < len(data):
            pause()
    file.close()


@pytest.mark.parametrize("home", [5], indirect=True)  # ten times the pause of a file that is closed meanwhile
def test_every_way_of_copying(home: Home, clips: Callable[[str], Path], tmp_path: Path) -> None:
    """cp, mv, rsync's ways, scp's, browsers', file servers', links, sparse files, whole folders."""
    inbox, side = home.inbox, tmp_path / "side"
    side.mkdir()
    expected: dict[str, bytes] = {}

    def clip(name: str) -> Path:
        expected[name] = clips(name).read_bytes()
        return clips(name)

    shutil.copy(clip("cp.ts"), inbox)
    shutil.copy(clip("mv.ts"), side)
    (side / "mv.ts").rename(inbox / "mv.ts")
    shutil.copy(clip("rsync.ts"), inbox / ".rsync.ts.X1y2Z3")
    (inbox / ".rsync.ts.X1y2Z3").rename(inbox / "rsync.ts")
    shutil.copy(clip("browser.ts"), inbox / "browser.ts.crdownload")
    shutil.copy(clip("link.ts"), side)
    (inbox / "link.ts").hardlink_to(side / "link.ts")
    subprocess.run(["cp", "--reflink=auto", clip("reflink.ts"), inbox], check=True)
    subprocess.run(["cp", "--sparse=always", clip("sparse.ts"), inbox], check=True)
    shutil.copy(clip("future.ts"), side)
    os.utime(side / "future.ts", (4e9, 4e9))
    (side / "future.ts").rename(inbox / "future.ts")
    (side / "album/deeper").mkdir(parents=True)
    for name in ("album.ts", "Album.ts", "deeper/below.ts"):
        shutil.copy(clip(Path(name).name), side / "album" / name)
    (side / "album").rename(inbox / "album")
    (inbox / "nested/more").mkdir(parents=True)
    shutil.copy(clip("nested.ts"), inbox / "nested/more")

    def short() -> None:
        time.sleep(0.5)

    def until_vlogd_has_seen_it() -> None:
        until(lambda: "Another program still has it open" in home.logged())

    writers = [
        threading.Thread(target=slowly, args=(clip("inplace.ts"), inbox / "inplace.ts", short)),
        threading.Thread(
            target=slowly, args=(clip("pauses.ts"), inbox / "pauses.ts", until_vlogd_has_seen_it)
        ),
        threading.Thread(
            target=slowly, args=(clip("smb.ts"), inbox / "smb.ts", short), kwargs={"reopen": True}
        ),
    ]
    for writer in writers:
        writer.start()
    (inbox / "gone.ts").write_bytes(clips("gone.ts").read_bytes())
    (inbox / "gone.ts").unlink()
    (inbox / "replaced.ts").write_bytes(clips("gone.ts").read_bytes())
    shutil.copy(clip("replaced.ts"), side)
    (side / "replaced.ts").replace(inbox / "replaced.ts")
    for writer in writers:
        writer.join()
    (inbox / "browser.ts.crdownload").rename(inbox / "browser.ts")
    until(lambda: taken(home).keys() >= expected.keys())
    assert taken(home) == expected
    assert [path for path in inbox.rglob("*") if path.is_file()] == []
    shutil.copy(clips("gone.ts"), inbox / "cp.ts")
    until(lambda: len(list(home.folder.glob("originals/*/cp.ts"))) == 2)


def test_what_lies_there_at_the_start(tmp_path: Path, clips: Callable[[str], Path]) -> None:
    """Dropped while no daemon ran, or in the moment of its start."""
    home = Home(tmp_path)
    shutil.copy(clips("before.ts"), home.inbox)
    daemon = home.start()
    shutil.copy(clips("during.ts"), home.inbox)
    try:
        until(lambda: taken(home).keys() >= {"before.ts", "during.ts"})
    finally:
        kill(daemon)


def test_an_inbox_that_is_made_anew(tmp_path: Path, clips: Callable[[str], Path]) -> None:
    """Removed, it is missed aloud; made again, it is watched again, and nobody complains any more."""
    home = Home(tmp_path)
    home.config.write_text(
        home.config.read_text().replace("settle_seconds: 1", "settle_seconds: 1, rescan_seconds: 2")
    )
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    try:
        home.inbox.rmdir()
        until(lambda: "is not there" in " ".join(home.status()["troubles"].values()))
        home.inbox.mkdir()
        until(lambda: home.status()["troubles"] == {})
        shutil.copy(clips("anew.ts"), home.inbox)
        until(lambda: "anew.ts" in taken(home))
    finally:
        kill(daemon)


def test_a_file_that_failed_because_its_copying_had_not_ended(tmp_path: Path) -> None:
    """Where the kernel tells nobody of writers, a file may be judged too early; it is taken back when it grew."""
    home = Home(tmp_path)
    clip = stamped(tmp_path / "film.mp4", seconds=2).read_bytes()
    (home.inbox / "film.mp4").write_bytes(clip[:3000])
    assert home.once().returncode == 1
    failed = home.inbox / "_failed/film.mp4"
    failed.write_bytes(clip)
    os.utime(failed, (time.time() + 10, time.time() + 10))
    assert home.once().returncode == 0
    assert [video["status"] for video in home.videos()] == ["ready"]
    assert list((home.inbox / "_failed").iterdir()) == []


def test_the_kernel_knows_writers(tmp_path: Path) -> None:
    """A file is open for writing as long as somebody has it so; reading does not count."""
    path = tmp_path / "film.mp4"
    path.touch()
    with path.open("rb") as file:
        with path.open("wb"):
            assert is_open_for_writing(file)
        with path.open("rb"):
            assert not is_open_for_writing(file)


class Counting(Intake):
    """A fake: takes files without looking into them, so that many can come at once."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def take(self, path: Path, _inbox: Inbox, _expected: FileState) -> Outcome:
        """Move it away under its name, which must not have been taken before."""
        assert not (self.target / path.name).exists()
        path.rename(self.target / path.name)
        return Failed(path, "", self.target)

    def resume(self, _inboxes: dict[str, Inbox]) -> Iterator[Outcome]:
        """Nothing was claimed before."""
        return iter(())


def test_ten_thousand_files_at_once(tmp_path: Path) -> None:
    """More events than the kernel keeps for us; the listing of the folder finds what was not told."""
    inbox, target = tmp_path / "inbox", tmp_path / "target"
    inbox.mkdir()
    target.mkdir()
    said: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    rules = Inbox("main", inbox, settle_seconds=0.5, rescan_seconds=3)
    arrival = Ingestor([rules], Counting(target), said.put)
    arrival.start()
    try:
        for number in range(10_000):
            (inbox / f"{number}.ts").write_bytes(b"x")
        until(lambda: len(list(target.iterdir())) == 10_000)
        until(arrival.is_idle)
    finally:
        arrival.stop()
    assert list(inbox.iterdir()) == []


class Stumbling(Counting):
    """A fake intake with a bug in it."""

    def take(self, path: Path, inbox: Inbox, expected: FileState) -> Outcome:
        """Fails for one file as nobody foresaw."""
        if path.name == "b.ts":
            raise LookupError(path.name)
        return super().take(path, inbox, expected)


def test_an_unforeseen_error_does_not_end_all_arrivals(tmp_path: Path) -> None:
    """It is told, and what else lies in the inbox, or comes later, is taken."""
    inbox, target = tmp_path / "inbox", tmp_path / "target"
    inbox.mkdir()
    target.mkdir()
    said: list[Notice] = []
    rules = Inbox("main", inbox, settle_seconds=0.2, rescan_seconds=1)
    arrival = Ingestor([rules], Stumbling(target), said.append)
    for name in ("a.ts", "b.ts", "c.ts"):
        (inbox / name).write_bytes(b"x")
    arrival.start()
    try:
        until(lambda: {path.name for path in target.iterdir()} == {"a.ts", "c.ts"})
        (inbox / "d.ts").write_bytes(b"x")
        until((target / "d.ts").exists)
    finally:
        arrival.stop()
    assert any(isinstance(one, UnexpectedError) and isinstance(one.error, LookupError) for one in said)
    assert any(isinstance(one, InboxProblem) and "please report it" in one.sentence for one in said)
    assert (inbox / "b.ts").exists()


def test_what_was_left_is_taken_once_it_is_well(home: Home) -> None:
    """A link is replaced by the file, as its sentence asked; the sentence goes from the status."""
    clip = stamped(home.folder / "clip.mp4", seconds=2)
    link = home.inbox / "film.mp4"
    link.symlink_to(clip)
    until(lambda: "symbolic link" in home.vlogd("status").stdout)
    link.unlink()
    shutil.copy(clip, link)
    until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    assert "symbolic link" not in home.vlogd("status").stdout
