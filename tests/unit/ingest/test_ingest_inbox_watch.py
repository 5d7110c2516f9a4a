"""One inbox without its thread: what is ready, what is reported, what is tried again; the clock is a fake."""

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vlogd.ingest import inbox_folder, inbox_watch
from vlogd.ingest.file_state import FileState
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.inbox_watch import InboxWatch
from vlogd.ingest.outcomes import InboxProblem, InboxProblemSolved, Notice, NotTaken, Resolved
from vlogd.ingest.problems import Problems


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.seconds


class Bench:
    """An inbox that is watched by polling (every few seconds of real time: never in these tests)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.clock = Clock()
        self.notices: list[Notice] = []
        inbox = Inbox("main", folder, "polling", settle_seconds=5, rescan_seconds=60)
        send = self.notices.append
        self.watch = InboxWatch(inbox, send, Problems(send), lambda _path: None, self.clock)

    def ready_after(self, seconds: float) -> list[tuple[Path, FileState]]:
        """What can be taken so much later."""
        self.clock.seconds += seconds
        return list(self.watch.ready())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A watched inbox."""
    made = Bench(tmp_path / "inbox")
    yield made
    made.watch.close()


def test_a_stable_file_is_ready_once_it_has_settled(bench: Bench) -> None:
    """With the state in which it is to be taken."""
    film = bench.folder / "film.ts"
    film.write_bytes(b"film")
    bench.watch.scan()
    assert bench.watch.unstable_count == 1
    assert bench.ready_after(4.9) == []
    ((path, state),) = bench.ready_after(0.1)
    assert (path, state.size_bytes) == (film, 4)


def test_a_change_after_the_last_look_is_noticed(bench: Bench) -> None:
    """A file that grew without a hint starts its wait over."""
    film = bench.folder / "film.ts"
    film.write_bytes(b"film")
    bench.watch.scan()
    film.write_bytes(b"longer film")
    assert bench.ready_after(5) == []
    assert [path for path, _ in bench.ready_after(5)] == [film]


def test_ignored_names_and_folders_are_passed_over(bench: Bench) -> None:
    """Whatever lies in an ignored folder, and what lies elsewhere."""
    (bench.folder / "@eaDir").mkdir()
    for name in ("film.ts.part", ".film.ts", "@eaDir/film.ts"):
        (bench.folder / name).write_bytes(b"film")
        bench.watch.look(bench.folder / name)
    bench.watch.look(bench.folder.parent / "film.ts")
    bench.watch.scan()
    assert (bench.watch.unstable_count, bench.notices) == (0, [])


def test_more_files_than_are_kept_in_mind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is reported once, and follows when the first ones are gone."""
    monkeypatch.setattr(inbox_watch, "_MOST_NAMES", 4)
    (bench.folder / "folder").mkdir()
    for number in range(6):
        (bench.folder / f"folder/{number}.ts").write_bytes(b"film")
    for _ in range(2):
        bench.watch.scan()
        bench.watch.look(bench.folder / "folder/5.ts")
        assert bench.watch.unstable_count <= 4
    for path, _ in bench.ready_after(5):
        path.unlink()
    ((notice,),) = [bench.notices]
    assert isinstance(notice, NotTaken)
    assert (notice.path, "more than" in notice.sentence) == (bench.folder, True)
    bench.watch.scan()
    assert bench.watch.unstable_count == 2
    assert bench.notices[1:] == [Resolved(bench.folder)]


@pytest.mark.parametrize("most_names", [1000, 5])
def test_what_is_listed_is_not_looked_for_again(
    most_names: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20,000 names, 64 folders deep: each was looked for from the inbox on, which took 37 s at each listing."""
    monkeypatch.setattr(inbox_watch, "_MOST_NAMES", most_names)
    deep, entry = bench.folder / "a/b/c", inbox_folder.entry
    deep.mkdir(parents=True)
    for number in range(5):
        (deep / f"{number}.ts").write_bytes(b"film")
    gone = deep / "gone.ts"
    gone.symlink_to("nothing")
    looked_for = list[Path]()

    def counting(inbox: Path, path: Path) -> AbstractContextManager[inbox_folder.Entry]:
        looked_for.append(path)
        return entry(inbox, path)

    monkeypatch.setattr(inbox_folder, "entry", counting)
    for _ in range(3):
        bench.watch.scan()
    assert looked_for == []
    known = bench.watch.unstable_count
    shutil.rmtree(deep)
    bench.watch.scan()
    assert {path.parent for path in looked_for} == {deep}
    assert len(looked_for) in (known, known + 1)
    assert bench.watch.unstable_count == 0


def test_what_is_no_file_is_reported_once_and_resolved_once(bench: Bench) -> None:
    """A link is reported at the first listing only; when the file takes its place, that is reported too."""
    link = bench.folder / "film.ts"
    link.symlink_to("/dev/null")
    bench.watch.scan()
    bench.watch.scan()
    ((notice,),) = [bench.notices]
    assert isinstance(notice, NotTaken)
    assert notice.sentence.startswith("It is a symbolic link")
    link.unlink()
    bench.watch.look(link)
    assert bench.notices[1:] == [Resolved(link)]


def test_what_was_not_taken_rests_until_it_changes_or_is_listed_again(bench: Bench) -> None:
    """A hint about the same file means nothing; another size, or the next listing, means another try."""
    film = bench.folder / "film.ts"
    film.write_bytes(b"film")
    bench.watch.scan()
    bench.clock.seconds += 5
    for path, state in bench.watch.ready():
        bench.watch.not_taken(NotTaken(path, "main", "It cannot be read."), state)
    bench.watch.look(film)
    assert bench.ready_after(5) == []
    film.write_bytes(b"longer film")
    bench.watch.look(film)
    bench.clock.seconds += 5
    for path, state in bench.watch.ready():
        bench.watch.not_taken(NotTaken(path, "main", "It cannot be read."), state)
    assert bench.watch.unstable_count == 0
    bench.watch.scan()
    assert [path for path, _ in bench.ready_after(5)] == [film]


def test_a_disk_that_hinders_taking_brings_the_next_listing_forward(bench: Bench) -> None:
    """The file is tried again within half a minute, and the problem is told once."""
    film = bench.folder / "film.ts"
    film.write_bytes(b"film")
    bench.watch.scan()
    bench.clock.seconds += 5
    for path, state in bench.watch.ready():
        bench.watch.postpone(path, state, "The disk is full.")
        bench.watch.postpone(path, state, "The disk is full.")
    assert bench.watch.next_due_seconds() == bench.clock.seconds + 30
    bench.watch.taking_works()
    assert bench.notices == [
        InboxProblem("main: taking", "The disk is full."),
        InboxProblemSolved("main: taking"),
    ]


def test_a_file_that_is_open_for_writing_waits(bench: Bench) -> None:
    """However long ago its last byte came; the reason is reported once, and resolved when it is closed."""
    film = bench.folder / "film.ts"
    with film.open("wb") as writer:
        writer.write(b"film")
        writer.flush()
        bench.watch.scan()
        assert bench.ready_after(5) == []
        assert bench.ready_after(5) == []
        ((notice,),) = [bench.notices]
        assert isinstance(notice, NotTaken)
        assert "open for writing" in notice.sentence
    assert [path for path, _ in bench.ready_after(5)] == [film]


def test_its_owner_has_a_lease_on_a_file(bench: Bench) -> None:
    """Opening it would wait for him (EWOULDBLOCK): it was tried for ever without a word."""
    film = bench.folder / "film.ts"
    film.write_bytes(b"film")
    bench.watch.scan()
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # tells the owner that somebody opens it
    try:
        with film.open("rb") as held:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            assert bench.ready_after(6) == []
            (notice,) = bench.notices
            assert isinstance(notice, NotTaken)
            assert "open for writing" in notice.sentence
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.signal(signal.SIGIO, before)
    assert [path for path, _ in bench.ready_after(6)] == [film]


def test_a_missing_inbox_is_a_problem_until_it_is_there(bench: Bench) -> None:
    """One notice each; another folder of the same name is watched anew."""
    bench.watch.scan()
    bench.folder.rmdir()
    bench.watch.scan()
    bench.watch.scan()
    bench.folder.mkdir()
    bench.watch.scan()
    assert [type(notice) for notice in bench.notices] == [InboxProblem, InboxProblemSolved]
    assert "is not there" in str(bench.notices[0])


def test_the_kernel_knows_of_leases_here(tmp_path: Path) -> None:
    """What the test of open files rests on: this file system grants read leases (fcntl(2), F_SETLEASE)."""
    path = tmp_path / "film.ts"
    path.write_bytes(b"film")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK) == 0
    finally:
        os.close(descriptor)
