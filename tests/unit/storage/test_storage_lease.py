"""One vlogd per folder: a lock where all machines see it, and a counter where they do not."""

import errno
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vlogd.core.errors import NewerFormat, Unavailable
from vlogd.storage.folder_lock import FolderLock
from vlogd.storage.lease import DOCUMENT, LOCK, Lease, Observing
from vlogd.storage.mount_locks import Mount
from vlogd.storage.tree import Tree

DISK, SSHFS = Mount("ext4"), Mount("fuse.sshfs")

_OTHER_PROCESS = """
import sys, time
from pathlib import Path
from vlogd.storage.folder_lock import FolderLock
from vlogd.storage.lease import Lease
lease = Lease("originals", Path(sys.argv[1]), Path(sys.argv[2]))
lease.check()
print("has it", flush=True)
time.sleep(600)
"""


class Machines:
    """One folder, and vlogds that use it; `now` is the clock of all of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "originals"
        self.folder.mkdir()
        self.now = 1000.0
        self.leases: list[Lease] = []

    def lease(self, state: str = "state", mount: Mount = DISK) -> Lease:
        """That of a vlogd with this state folder."""
        place = self.root / state
        place.mkdir(exist_ok=True)
        lease = Lease("originals", self.folder, place, clock=lambda: self.now, mount_of=lambda _folder: mount)
        self.leases.append(lease)
        return lease

    def taken(self, state: str = "state", mount: Mount = DISK) -> Lease:
        """One that is held."""
        lease = self.lease(state, mount)
        lease_check(lease, self)
        return lease

    def document(self) -> dict[str, Any]:
        """Who has the folder."""
        content: dict[str, Any] = json.loads((self.folder / DOCUMENT).read_text())
        return content

    def elsewhere(self, **changes: Any) -> None:
        """A document of a vlogd on another machine, which beats every minute."""
        process = {
            "host": "nas2",
            "machine": "ffff",
            "boot": "b00f",
            "pid_namespace": "pid:[1]",
            "pid": 7,
            "start_ticks": 7,
        }
        document = {
            "format": 1,
            "owner": "0123",
            "process": process | changes.pop("process", {}),
            "version": "1",
            "started_at": 9e9,  # a clock that is wrong by centuries
            "beat_seconds": 60.0,
            "beats": 0,
        }
        (self.folder / DOCUMENT).write_text(json.dumps(document | changes))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    """A folder that nobody uses, and that is left by all in the end."""
    machines = Machines(tmp_path)
    yield machines
    for lease in machines.leases:
        lease.close()


def lease_check(lease: Lease, machines: Machines) -> None:
    """Check, and wait for the confirmation where there is no lock."""
    try:
        lease.check()
    except Observing:
        machines.now += 3
        lease.check()


def start(machines: Machines, state: str) -> "subprocess.Popen[str]":
    """Another process that has the folder."""
    (machines.root / state).mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, machines.folder, machines.root / state],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "has it\n"
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    """End it with SIGKILL."""
    process.kill()
    process.communicate()


def test_one_at_a_time(machines: Machines) -> None:
    """The second is told who has it; it gets it when the first one ended, and nothing but the lock stays."""
    first, second = machines.taken("a"), machines.lease("b")
    with pytest.raises(Unavailable, match=rf"in use by the vlogd on .* \(process {os.getpid()}, since 20"):
        second.check()
    first.check()
    first.close()
    assert [path.name for path in machines.folder.iterdir()] == [LOCK]
    second.check()
    with pytest.raises(Unavailable, match="no longer uses"):
        first.check()
    second.close()


@pytest.mark.parametrize("mount", [DISK, SSHFS])
def test_a_killed_one_costs_no_time(mount: Mount, machines: Machines) -> None:
    """Neither the one that is started again nor one whose state folder was lost waits for a process that is seen to be dead."""
    process = start(machines, "a")
    with pytest.raises(Unavailable, match=f"process {process.pid},"):
        machines.lease("b", mount).check()
    kill(process)
    machines.taken("a", mount).check()


def test_a_lost_state_folder_waits_for_nothing(machines: Machines) -> None:
    """Its process is gone, as its number and the kernel tell."""
    process = start(machines, "a")
    kill(process)
    machines.taken("lost", SSHFS).check()


def test_one_that_was_restarted_with_its_machine(machines: Machines) -> None:
    """It is known by its state folder and its machine, not by the boot."""
    lease = machines.taken("a", SSHFS)
    content = machines.document()
    lease.close()
    content["process"] |= {"boot": "an earlier one", "pid": 1}
    (machines.folder / DOCUMENT).write_text(json.dumps(content))
    machines.taken("a", SSHFS).check()


def test_locks_that_cross_machines_need_no_time(machines: Machines) -> None:
    """Whoever had it on another machine has lost its lock, so it is gone."""
    machines.elsewhere(beat_seconds=0.0)
    machines.taken().check()
    assert machines.document()["beat_seconds"] == 0


def test_a_holder_that_only_a_lock_shows(machines: Machines) -> None:
    """From a file system without shared locks it cannot be judged, so it is left alone."""
    machines.elsewhere(beat_seconds=0.0)
    lease = machines.lease("a", SSHFS)
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"keeps locks to one machine.*remove"):
            lease.check()
        machines.now += 1000
    (machines.folder / DOCUMENT).unlink()
    lease_check(lease, machines)


@pytest.mark.parametrize("mount", [DISK, SSHFS])
def test_one_that_beats_on_another_machine(mount: Mount, machines: Machines) -> None:
    """It is refused for as long as it beats, whatever the two clocks say; then it counts as gone."""
    machines.elsewhere()
    lease = machines.lease("a", mount)
    with pytest.raises(Observing, match="watches for 150 s"):
        lease.check()
    for beats in range(1, 6):
        machines.now += 100
        machines.elsewhere(beats=beats)
        with pytest.raises(Unavailable, match="in use by the vlogd on nas2") as refused:
            lease.check()
        assert not isinstance(refused.value, Observing)
        machines.now += 40
        with pytest.raises(Unavailable, match="in use by the vlogd on nas2"):
            lease.check()
    machines.now += 111
    lease_check(lease, machines)
    assert machines.document()["process"]["pid"] == os.getpid()


def test_beats_change_the_document(machines: Machines) -> None:
    """Only where the lock does not suffice: elsewhere nothing is written that could keep a disk awake."""
    lease = machines.taken("a", SSHFS)
    lease.beat()
    lease.beat()
    assert machines.document()["beats"] == 2
    lease.check()
    lease.close()


def test_it_beats_by_itself(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a thread of its own, until it is closed."""
    monkeypatch.setattr("vlogd.storage.lease._BEAT_SECONDS", 0.01)
    before = threading.enumerate()
    lease = machines.taken("a", SSHFS)
    (thread,) = [each for each in threading.enumerate() if each not in before]
    assert thread.name == "vlogd-lease-originals"
    while machines.document()["beats"] < 3:
        threading.Event().wait(0.01)
    lease.check()
    lease.close()
    thread.join()
    assert not (machines.folder / DOCUMENT).exists()


class LocalLock(FolderLock):
    """A lock that the other machine does not see."""

    def __init__(self, path: Path, *, is_remote: bool) -> None:
        super().__init__(path.with_name(f"{LOCK}-{uuid.uuid4().hex}"), is_remote=is_remote)

    def is_of(self, _path: Path) -> bool:
        """On its own machine it is."""
        return True


def test_two_that_find_it_free_at_the_same_moment(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two machines, whose locks do not meet. The later one has it; the earlier one has not begun yet."""
    monkeypatch.setattr("vlogd.storage.lease.FolderLock", LocalLock)
    first, second = machines.lease("a", SSHFS), machines.lease("b", SSHFS)
    judge = first._judge

    def overtaken(*found: Any) -> None:
        judge(*found)
        monkeypatch.setattr(first, "_judge", judge)
        with pytest.raises(Observing):
            second.check()

    monkeypatch.setattr(first, "_judge", overtaken)
    with pytest.raises(Observing):
        first.check()
    for _ in range(3):
        machines.now += 3
        first.check()
        with pytest.raises(Unavailable, match="was used by"):
            second.check()


def test_a_lost_one_keeps_off(machines: Machines) -> None:
    """Somebody else took the folder: the document stays theirs, also at a beat and at the end."""
    lease = machines.taken("a", SSHFS)
    machines.elsewhere()
    theirs = (machines.folder / DOCUMENT).read_bytes()
    with pytest.raises(Unavailable, match="was used by the vlogd on nas2"):
        lease.check()
    lease.beat()
    lease.close()
    assert (machines.folder / DOCUMENT).read_bytes() == theirs


def test_it_comes_back_with_the_disk(machines: Machines) -> None:
    """The lock is on a file of the disk: with another disk it is taken anew, and nobody else gets it meanwhile."""
    lease = machines.taken("a")
    away = machines.folder.rename(machines.root / "away")
    machines.folder.mkdir()
    lease.check()
    assert machines.document()["process"]["pid"] == os.getpid()
    with pytest.raises(Unavailable, match="in use"):
        machines.lease("b").check()
    (machines.folder / DOCUMENT).unlink()
    (machines.folder / LOCK).unlink()
    machines.folder.rmdir()
    with pytest.raises(Unavailable):
        machines.lease("b").check() if machines.folder.exists() else lease_of_missing(machines)
    away.rename(machines.folder)
    lease.check()
    with pytest.raises(Unavailable, match="in use"):
        machines.lease("b").check()


def lease_of_missing(machines: Machines) -> None:
    """The folder's parent is not there either."""
    Lease("originals", machines.root / "no/originals", machines.root).check()


def test_a_document_that_was_removed_is_written_again(machines: Machines) -> None:
    """As the advice says, and too early."""
    lease = machines.taken("a")
    (machines.folder / DOCUMENT).unlink()
    lease.check()
    assert machines.document()["process"]["pid"] == os.getpid()


@pytest.mark.parametrize(("mount", "is_taken"), [(DISK, True), (SSHFS, False)])
def test_a_damaged_document(mount: Mount, is_taken: bool, machines: Machines) -> None:
    """The lock knows better; without one, whoever wrote it may still be there."""
    (machines.folder / DOCUMENT).write_text("{")
    lease = machines.lease("a", mount)
    if not is_taken:
        with pytest.raises(Observing, match="another vlogd"):
            lease.check()
        machines.now += 150
    lease_check(lease, machines)
    assert machines.document()["process"]["pid"] == os.getpid()


def test_a_document_of_a_newer_vlogd(machines: Machines) -> None:
    """It is not this one's to judge."""
    machines.elsewhere(format=2)
    with pytest.raises(NewerFormat, match=DOCUMENT):
        machines.lease().check()


def test_a_full_disk(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock needs no room; a counter does."""

    def full(_tree: Tree, _name: str, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for_state = machines.lease("a")
    machines.taken("a").close()  # the state folder has its owner now
    monkeypatch.setattr(Tree, "write_bytes", full)
    for_state.check()
    for_state.check()
    with pytest.raises(Unavailable, match="in use by another vlogd"):
        machines.lease("b").check()
    for_state.close()
    with pytest.raises(Unavailable, match="No space left"):
        machines.lease("a", SSHFS).check()


def test_a_link_in_place_of_the_lock(machines: Machines) -> None:
    """It is not followed."""
    (machines.folder / LOCK).symlink_to(machines.root / "elsewhere")
    with pytest.raises(Unavailable, match="cannot be taken into use"):
        machines.lease().check()
    assert not (machines.root / "elsewhere").exists()


@pytest.mark.parametrize("act", [lambda lease: lease.check(), lambda lease: lease.close()])
def test_the_owner_of_a_state_folder_stays_the_same(act: Callable[[Lease], None], machines: Machines) -> None:
    """Its id is made once."""
    first = machines.taken("a")
    owner = machines.document()["owner"]
    act(first)
    first.close()
    machines.taken("a")
    assert machines.document()["owner"] == owner
    assert json.loads((machines.root / "a/owner.json").read_text()) == {"format": 1, "id": owner}
