"""Disks that return I/O errors, for real: a loop device that is shorter than the file system on it.

Reads and writes behind its new end fail with EIO, as bad sectors do; with its old size everything is there again.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, kill, library_of, same_trees, tree, until

_LOOP_SET_STATUS64, _LOOP_GET_STATUS64 = 0x4C04, 0x4C05
_LOOP_INFO64 = "<5Q4I64s64s32s2Q"
_SIZE_LIMIT = 4
"""linux/loop.h, `struct loop_info64`; the index of `lo_sizelimit`."""

_MEBIBYTE = 1 << 20


@dataclass
class Disk:
    """A small ext4 on a loop device, mounted at `folder`."""

    device: str
    folder: Path

    def end_at(self, size_bytes: int) -> None:
        """From now on only so many bytes of it work; 0: all."""
        with Path(self.device).open("rb") as device:
            said = fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(struct.calcsize(_LOOP_INFO64)))
            info = list(struct.unpack(_LOOP_INFO64, said))
            info[_SIZE_LIMIT] = size_bytes
            fcntl.ioctl(device, _LOOP_SET_STATUS64, struct.pack(_LOOP_INFO64, *info))

    def forget(self, path: Path) -> None:
        """Drop what the kernel keeps of a file, so that it is read from the disk again."""
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def disk(image: Path, folder: Path) -> Disk:
    """Make one, of 64 MiB without a journal, whose loss would make the whole file system read-only."""
    with image.open("wb") as file:
        file.truncate(64 * _MEBIBYTE)
    options = ["-q", "-b", "4096", "-O", "^has_journal", "-E", "lazy_itable_init=0"]
    made = subprocess.run(["mkfs.ext4", *options, image], check=False).returncode == 0
    if not made or subprocess.run(["mount", "-o", "loop", image, folder], check=False).returncode:
        pytest.skip("no loop devices here")
    shutil.rmtree(folder / "lost+found")
    said = subprocess.run(["findmnt", "-no", "SOURCE", folder], check=True, capture_output=True, text=True)
    return Disk(said.stdout.strip(), folder)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home one of whose folders lies on such a disk."""
    if os.geteuid() != 0:
        pytest.skip("making small file systems needs root")
    home = Home(tmp_path / "home")
    text = home.config.read_text()
    home.config.write_text(text.replace("retry: {", "retry: {unavailable_wait_seconds: 1, "))
    yield home
    for name in ("library", "originals", "inbox"):
        while os.path.ismount(home.folder / name):
            subprocess.run(["umount", "-l", home.folder / name], check=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The library without any trouble."""
    return library_of(tmp_path_factory.mktemp("undisturbed"), film)


def film(home: Home) -> Path:
    """Twelve seconds of noise: some megabytes."""
    place = home.inbox / ".film.ts"
    stamped(place, seconds=12, filters="noise=alls=90:allf=t", size="320x180")
    return place.rename(home.inbox / "film.ts")


def test_an_original_that_cannot_be_read(home: Home, undisturbed: dict[str, bytes]) -> None:
    """Half of the film's blocks fail: nothing short is published, nothing is blamed on the file, it goes on after."""
    bad = disk(home.folder / "disk.img", home.folder / "originals")
    film(home)
    daemon = home.start()
    try:
        until(lambda: "part=video-0000" in home.logged())
    finally:
        kill(daemon)
    (original,) = home.folder.glob("originals/*/film.ts")
    bad.end_at(_first_block(original) * 4096 + original.stat().st_size // 2)
    bad.forget(original)
    with pytest.raises(OSError, match="Input/output error"):
        original.read_bytes()
    daemon = home.start()
    try:
        until(lambda: home.logged().count("Input/output error") > 3)
        assert "ready" not in [video["status"] for video in home.videos()]
        assert "parked" not in home.logged()
        until(lambda: "Input/output error" in home.vlogd("status").stdout)
        bad.end_at(0)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        kill(daemon)
    assert home.once().returncode == 0
    assert "parked" not in home.logged()
    same_trees(tree(home.library), undisturbed)


def test_a_library_that_cannot_be_written(home: Home, undisturbed: dict[str, bytes]) -> None:
    """Nothing that the disk did not take is published, nothing is blamed on the film, and it goes on after."""
    bad = disk(home.folder / "disk.img", home.library)
    film(home)
    daemon = home.start()
    try:
        first = until(lambda: next(iter(sorted(home.library.glob("videos/*/hls-*/v180/00000.m4s"))), None))
        os.sync()
        bad.end_at((_first_block(first) + 1) * 4096)
        until(lambda: home.logged().count("Input/output error") > 3)
        assert "ready" not in [video["status"] for video in home.videos()]
        assert daemon.poll() is None
        bad.end_at(0)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        assert "parked" not in home.logged()
    finally:
        kill(daemon)
    assert home.once().returncode == 0
    subprocess.run(["umount", home.library], check=True)
    subprocess.run(["mount", "-o", "loop", home.folder / "disk.img", home.library], check=True)
    same_trees(tree(home.library), undisturbed)


def test_a_film_in_the_inbox_that_cannot_be_read(home: Home) -> None:
    """It stays where it is, with the reason, and is taken when the disk answers again."""
    bad = disk(home.folder / "disk.img", home.inbox)
    place = film(home)
    bad.forget(place)
    bad.end_at(_first_block(place) * 4096 + 65536)
    daemon = home.start()
    try:
        until(lambda: "Input/output error" in home.vlogd("status").stdout)
        assert place.exists()
        assert not list(home.inbox.glob("_failed/*"))
        bad.end_at(0)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        kill(daemon)


def _first_block(path: Path) -> int:
    """Of a file in one piece, in blocks of 4 KiB."""
    with path.open("rb") as file:
        return int(struct.unpack("I", fcntl.ioctl(file, 1, struct.pack("I", 0)))[0])
