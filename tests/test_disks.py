"""Disks that are full, away, read-only or come back: nothing is lost, nothing fails, work goes on by itself."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, kill, library_of, same_trees, tree, until

PATIENCE = "retry: {first_wait_seconds: 0.2, unavailable_wait_seconds: 1}"


def can_mount(tmp_path: Path) -> bool:
    """Whether small file systems can be made here."""
    folder = tmp_path / "trial"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode == 0:
        subprocess.run(["umount", folder], check=True)
    return made.returncode == 0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home whose disks can be replaced by small ones; they are unmounted at the end."""
    if os.geteuid() != 0 or not can_mount(tmp_path):
        pytest.skip("making small file systems needs root")
    home = Home(tmp_path / "home")
    home.config.write_text(home.config.read_text().replace("retry: {first_wait_seconds: 0.2}", PATIENCE))
    yield home
    for name in ("library", "state", "originals", "inbox"):
        while os.path.ismount(home.folder / name):
            subprocess.run(["umount", "-l", home.folder / name], check=True)


def mount(folder: Path, size: str) -> None:
    """A small file system in place of a folder."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Make it larger, or read-only."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def film(home: Home) -> Path:
    """Twelve seconds that take about a megabyte and a half."""
    return stamped(home.inbox / "film.mp4", seconds=12, filters="noise=alls=60:allf=t")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The library without any trouble."""
    return library_of(tmp_path_factory.mktemp("undisturbed"), film)


@pytest.mark.parametrize("disk", ["library", "state"])
def test_a_disk_that_fills_up(disk: str, home: Home, undisturbed: dict[str, bytes]) -> None:
    """The daemon waits and says so, in the log and in the status; with room it finishes, and nothing failed."""
    mount(home.folder / disk, "1500k")
    film(home)
    daemon = home.start()
    try:
        until(lambda: "kind=Unavailable" in home.logged())
        until(lambda: "room" in home.vlogd("status").stdout or "space" in home.vlogd("status").stdout, 30)
        remount(home.folder / disk, "size=64m")
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        assert "parked" not in home.logged()
    finally:
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert home.once().returncode == 0  # an artifact that was replaced on the way may still await its sweep
    same_trees(tree(home.library), undisturbed)
    assert len(list(home.folder.glob("originals/*/film.mp4"))) == 1


def test_folders_that_are_mounts_of_one_disk(home: Home, undisturbed: dict[str, bytes]) -> None:
    """As systemd's ReadWritePaths and containers make them: the kernel refuses to rename from one to the other."""
    folders = [home.folder / name for name in ("library", "state", "originals", "inbox")]
    with contextlib.ExitStack() as mounts:
        for folder in folders:
            folder.mkdir(exist_ok=True)
            subprocess.run(["mount", "--bind", folder, folder], check=True)
            mounts.callback(subprocess.run, ["umount", "-l", folder], check=True)
        (home.inbox / "letter.mp4").write_text("no film")
        film(home)
        assert home.once().returncode == 1
        assert (home.inbox / "_failed/letter.mp4").exists()
        assert home.once().returncode == 0
        same_trees(tree(home.library), undisturbed)


def test_a_state_disk_without_a_single_free_byte(home: Home, undisturbed: dict[str, bytes]) -> None:
    """The daemon lives on while it cannot even write what the command line reads, and goes on with room."""
    mount(home.folder / "state", "1500k")
    daemon = home.start()
    try:
        until(lambda: "vlogd.started" in home.logged())
        filler = home.folder / "state/filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False)
        film(home)
        until(lambda: "item.accepted" in home.logged())
        until(lambda: "kind=Unavailable" in home.logged())
        time.sleep(3)
        assert daemon.poll() is None
        filler.unlink()
        remount(home.folder / "state", "size=64m")
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert home.once().returncode == 0
    same_trees(tree(home.library), undisturbed)


def test_a_library_that_is_full_at_the_start(home: Home, undisturbed: dict[str, bytes]) -> None:
    """There is no room for the page itself: that is said and waited for, and the page comes by itself."""
    mount(home.library, "64k")
    daemon = home.start()
    try:
        until(lambda: "library.waits" in home.logged())
        until(lambda: "No space left" in " ".join(home.status()["troubles"].values()))
        remount(home.library, "size=64m")
        until((home.library / "catalog.json").exists, 20)
        film(home)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert "bug" not in home.logged()
    assert home.once().returncode == 0
    same_trees(tree(home.library), undisturbed)


def test_no_room_for_an_original(home: Home) -> None:
    """A file that does not fit stays in the inbox until there is room."""
    mount(home.folder / "originals", "200k")
    (home.inbox / "a").mkdir()
    film(home)
    daemon = home.start()
    try:
        until(lambda: "room" in home.logged())
        assert (home.inbox / "film.mp4").exists()
        remount(home.folder / "originals", "size=64m")
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        kill(daemon)


def test_a_library_that_goes_away_and_comes_back(home: Home, undisturbed: dict[str, bytes]) -> None:
    """An empty mount point is no empty library: nothing is written there, and nothing is made anew afterwards."""
    disk = home.folder / "disk"
    mount(disk, "64m")
    shutil.rmtree(home.library)
    home.library.mkdir()
    subprocess.run(["mount", "--bind", disk, home.library], check=True)
    film(home)
    daemon = home.start()
    try:
        until(lambda: "part=video-0001" in home.logged())
        subprocess.run(["umount", "-l", home.library], check=True)
        until(lambda: "is its disk mounted" in home.logged())
        assert daemon.poll() is None
        assert list(home.library.iterdir()) == []
        subprocess.run(["mount", "--bind", disk, home.library], check=True)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
    finally:
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert home.once().returncode == 0  # an artifact that was replaced on the way may still await its sweep
    same_trees(tree(home.library), undisturbed)
    subprocess.run(["umount", home.library], check=True)
    done = home.once()
    assert done.returncode == 1
    assert "is its disk mounted" in done.stderr
    assert list(home.library.iterdir()) == []
    subprocess.run(["mount", "--bind", disk, home.library], check=True)
    again = home.once()
    assert again.returncode == 0
    assert "part.started" not in again.stderr
    subprocess.run(["umount", home.library], check=True)
    subprocess.run(["umount", disk], check=True)


def test_a_library_that_becomes_read_only(home: Home, undisturbed: dict[str, bytes]) -> None:
    """Read-only is a pause as well."""
    mount(home.library, "64m")
    film(home)
    daemon = home.start()
    try:
        until(lambda: "part=video-0001" in home.logged())
        until(lambda: _read_only(home), 20)
        until(lambda: "Read-only" in home.logged())
        remount(home.library, "rw")
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        assert "parked" not in home.logged()
    finally:
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert home.once().returncode == 0  # an artifact that was replaced on the way may still await its sweep
    same_trees(tree(home.library), undisturbed)


def test_a_library_that_may_not_be_written(home: Home, undisturbed: dict[str, bytes]) -> None:
    """Missing rights are told, waited for, and nothing is parked; here the folder is made immutable."""
    film(home)
    daemon = home.start()
    try:
        until(lambda: "part=video-0001" in home.logged())
        if subprocess.run(["chattr", "+i", *home.library.glob("videos/*/hls-*")], check=False).returncode:
            pytest.skip("this file system knows no immutable folders")
        until(lambda: "not permitted" in " ".join(home.videos()[0]["notes"]) + home.logged())
        subprocess.run(["chattr", "-i", *home.library.glob("videos/*/hls-*")], check=True)
        until(lambda: [video["status"] for video in home.videos()] == ["ready"])
        assert "parked" not in home.logged()
    finally:
        subprocess.run(["chattr", "-R", "-i", home.library], check=False)
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert home.once().returncode == 0
    same_trees(tree(home.library), undisturbed)


def test_a_library_that_stalls(home: Home, undisturbed: dict[str, bytes]) -> None:
    """A NAS that answers nothing for a while: decisions and the watchdog go on, and so does the work afterwards."""
    image = home.folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", image], check=False).returncode == 0
    if not made or subprocess.run(["mount", "-o", "loop", image, home.library], check=False).returncode:
        pytest.skip("no loop devices here")
    shutil.rmtree(home.library / "lost+found")
    film(home)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(home.folder / "notify"))
        ear.settimeout(5)
        daemon = home.start(NOTIFY_SOCKET=str(home.folder / "notify"), WATCHDOG_USEC="2000000")
        hear(ear, lambda _said: "part=video-0001" in home.logged())
        subprocess.run(["fsfreeze", "-f", home.library], check=True)
        try:
            began = time.monotonic()
            beats = hear(ear, lambda _said: time.monotonic() > began + 8)
        finally:
            subprocess.run(["fsfreeze", "-u", home.library], check=True)
        assert beats.count("WATCHDOG=1") >= 8
        hear(ear, lambda _said: [video["status"] for video in home.videos()] == ["ready"])
    daemon.terminate()
    assert daemon.wait(15) == 0
    assert "parked" not in home.logged()
    assert home.once().returncode == 0
    same_trees(tree(home.library), undisturbed)


def hear(ear: socket.socket, enough: Callable[[list[str]], bool]) -> list[str]:
    """What arrives until it is enough; fails when nothing comes for a while, as systemd's watchdog would."""
    said: list[str] = []
    while not enough(said):
        said.append(ear.recv(4096).decode())
    return said


def _read_only(home: Home) -> bool:
    """Busy while a file is open for writing: try again."""
    return (
        subprocess.run(
            ["mount", "-o", "remount,ro", home.library], capture_output=True, check=False
        ).returncode
        == 0
    )
