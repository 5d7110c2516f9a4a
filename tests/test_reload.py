"""SIGHUP: a good configuration takes over without an end of the process, a bad one changes nothing."""

import re
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

from clips import stamped
from daemon import Home, children, until


def ready(home: Home, title: str) -> bool:
    """Whether a video is ready."""
    return any(video["title"] == title and video["status"] == "ready" for video in home.videos())


def listen(ear: socket.socket, said: list[str], stopped: threading.Event) -> None:
    """Write down what arrives."""
    while not stopped.is_set():
        with suppress(TimeoutError):
            said.append(ear.recv(4096).decode())


def test_reload(tmp_path: Path) -> None:
    """A new inbox is watched and new settings count; then nonsense is refused with a sentence, and work goes on."""
    home = Home(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(0.2)
        said: list[str] = []
        stopped = threading.Event()
        listener = threading.Thread(target=listen, args=(ear, said, stopped))
        listener.start()
        daemon = home.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        until(lambda: "vlogd.started" in home.logged())
        good = home.config.read_text().replace(
            "inboxes:\n", "inboxes:\n  more: {folder: more, settle_seconds: 1}\n"
        )
        (tmp_path / "more").mkdir()
        stamped(home.inbox / "long.mp4", seconds=30, size="640x360")
        until(lambda: re.search(r"part.done .*part=video", home.logged()))
        home.config.write_text(good.replace("preset: ultrafast", "preset: superfast"))
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "config.reloaded" in home.logged() and home.logged().count("vlogd.started") == 2)
        stamped(tmp_path / "more/two.mp4", seconds=2)
        until(lambda: ready(home, "two") and ready(home, "long"))
        assert "setting preset changed" not in home.logged()  # nothing of it was finished with the old one
        home.config.write_text(good + "nonsense: 1\n")
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "config.refused" in home.logged())
        assert "nonsense: there is no such key" in home.logged()
        stamped(tmp_path / "more/three.mp4", seconds=2, filters="negate")
        until(lambda: ready(home, "three"))
        stopped.set()
        listener.join()
        heard = "\n".join(said)
        assert heard.count("RELOADING=1\nMONOTONIC_USEC=") == 1
        assert heard.count("READY=1") == 2
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0


def test_a_stop_during_a_reload_is_a_stop(tmp_path: Path) -> None:
    """However the signals fall, SIGTERM ends it and its children."""
    home = Home(tmp_path)
    stamped(home.inbox / "long.mp4", seconds=60, size="640x360")
    daemon = home.start()
    until(lambda: re.search(r"part.done .*part=video", home.logged()))
    ours = children(daemon.pid)
    daemon.send_signal(signal.SIGHUP)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in ours)


def test_a_configuration_that_cannot_start_gives_way_to_the_old_one(tmp_path: Path) -> None:
    """Valid, but its state folder belongs to another vlogd: the old configuration goes on."""
    home = Home(tmp_path / "ours")
    other = Home(tmp_path / "other")
    theirs, daemon = other.start(), home.start()
    try:
        until(lambda: "vlogd.started" in home.logged() and "vlogd.started" in other.logged())
        home.config.write_text(
            home.config.read_text().replace("state: state", f"state: {other.folder / 'state'}")
        )
        daemon.send_signal(signal.SIGHUP)
        until(lambda: "config.refused" in home.logged())
        stamped(home.inbox / "one.mp4", seconds=2)
        until(lambda: ready(home, "one"))
    finally:
        for process in (theirs, daemon):
            process.terminate()
            assert process.wait(15) == 0


def test_a_state_folder_that_cannot_be_made_gives_way_to_the_old_one(tmp_path: Path) -> None:
    """It is said, and the old configuration goes on."""
    home = Home(tmp_path)
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    home.config.write_text(home.config.read_text().replace("state: state", "state: /proc/none/state"))
    daemon.send_signal(signal.SIGHUP)
    until(lambda: "config.refused" in home.logged() and home.logged().count("vlogd.started") == 2, 20)
    assert "The state folder /proc/none/state cannot be used" in home.logged()
    daemon.terminate()
    assert daemon.wait(15) == 0
    assert "Traceback" not in home.logged()


def test_a_second_reload_during_the_first_is_not_lost(tmp_path: Path) -> None:
    """What the file says at the last SIGHUP counts, also when the daemon before was still closing."""
    home = Home(tmp_path)
    before = home.config.read_text()
    stamped(home.inbox / "long.mp4", seconds=60, size="640x360")
    daemon = home.start()
    until(lambda: re.search(r"part.done .*part=video", home.logged()))
    daemon.send_signal(signal.SIGHUP)
    until(lambda: "config.reloaded" in home.logged())
    (tmp_path / "more").mkdir()
    more = "inboxes:\n  more: {folder: more, settle_seconds: 1}\n"
    home.config.write_text(before.replace("inboxes:\n", more))
    daemon.send_signal(signal.SIGHUP)
    stamped(tmp_path / "more/two.mp4", seconds=2)
    until(lambda: ready(home, "two"), 60)
    daemon.terminate()
    assert daemon.wait(15) == 0


def test_a_reload_is_heard_while_a_disk_is_waited_for(tmp_path: Path) -> None:
    """A library that is away is waited for; a corrected path takes effect by SIGHUP."""
    home = Home(tmp_path)
    assert home.once().returncode == 0
    (home.library / ".vlogd-volume").unlink()
    daemon = home.start()
    until(lambda: "volume.missing" in home.logged())
    (tmp_path / "other").mkdir()
    home.config.write_text(home.config.read_text().replace("library: library", "library: other"))
    daemon.send_signal(signal.SIGHUP)
    until(lambda: "vlogd.started" in home.logged(), 20)
    until((tmp_path / "other/index.html").exists, 20)
    daemon.terminate()
    assert daemon.wait(15) == 0
