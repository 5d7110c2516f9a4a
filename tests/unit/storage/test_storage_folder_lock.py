"""A lock on a folder: what other processes, and servers on behalf of other machines, see of it."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vlogd.storage.folder_lock import FolderLock

_LOCKS_A_RANGE = """
import fcntl, os, struct, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.fcntl(file, fcntl.F_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
print("locked", flush=True)
sys.stdin.read()
"""
"""What a file server does for a client that locks the file (nfsd, and smbd by `posix locking`)."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file to lock."""
    return tmp_path / "lock"


@pytest.mark.parametrize("is_remote", [False, True])
def test_one_holder(is_remote: bool, path: Path) -> None:
    """Until it releases it, also when another descriptor of the file is closed, which ends POSIX locks (fcntl(2))."""
    first = FolderLock(path, is_remote=is_remote)
    assert first.works
    assert path.stat().st_mode & 0o777 == 0o600
    path.open("rb").close()
    with pytest.raises(BlockingIOError):
        FolderLock(path, is_remote=is_remote)
    first.release()
    FolderLock(path, is_remote=is_remote).release()


def test_a_machine_that_the_folder_is_served_to(path: Path) -> None:
    """Its lock keeps this one out, and this one's lock keeps it out."""
    command = [sys.executable, "-c", _LOCKS_A_RANGE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "locked\n"
        with pytest.raises(BlockingIOError):
            FolderLock(path, is_remote=False)
        client.communicate("")
    lock = FolderLock(path, is_remote=False)
    refused = subprocess.run(command, capture_output=True, text=True, check=False, input="")
    assert "BlockingIOError" in refused.stderr
    lock.release()


def test_its_disk_can_be_made_read_only(path: Path) -> None:
    """Nothing is open for writing on a disk of this machine: the kernel would refuse to remount it."""
    lock = FolderLock(path, is_remote=False)
    descriptors = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    open_modes = [
        fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        for descriptor in descriptors
        if os.path.exists(f"/proc/self/fd/{descriptor}")  # noqa: PTH110 - the listing's own is closed by now
        and os.path.samestat(os.fstat(descriptor), path.stat())
    ]
    assert open_modes == [os.O_RDONLY]
    lock.release()


def test_a_file_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so, and is used without; any other trouble is raised."""

    def refuses(number: int) -> None:
        def lock(*_arguments: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("fcntl.fcntl", lock)

    refuses(38)
    lock = FolderLock(path, is_remote=True)
    assert not lock.works
    assert lock.is_of(path)
    path.unlink()
    path.touch()
    assert not lock.is_of(path)
    lock.release()
    refuses(5)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="Input/output error"):
        FolderLock(path, is_remote=True)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
