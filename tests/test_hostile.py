"""Hostile files: each is published as far as it is good, or refused with a sentence of the table; nothing else happens."""

import re
import shutil
import socket
import threading
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home, until
from hostile import make

from vlogd.media import refusals

LEFT = {"link.mp4", "round.mp4", "outside", "pipe.mp4", "socket.mp4", "folder.mp4"}
"""What is no file stays where it is."""


class Ear:
    """Listens on loopback; whoever connects is remembered."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            caller, _ = self._socket.accept()
            self.heard.append(caller.recv(200))
            caller.close()


@pytest.mark.slow
def test_hostile_files(tmp_path: Path) -> None:
    """More than two hundred at once, the good one last; the daemon lives and publishes it."""
    ear = Ear()
    socket.create_connection(tuple(ear.address.split(":"))).close()  # type: ignore[arg-type]  # host and port as text
    until(lambda: ear.heard == [b""])
    side = tmp_path / "side"
    side.mkdir()
    names = {path.name for path in make(side, ear.address)}
    assert len(names) >= 200
    home = Home(tmp_path / "home")
    limits = "limits: {memory_mebibytes: 3000, stall_seconds: 20}\n"
    home.config.write_text(home.config.read_text() + limits)
    for path in side.iterdir():
        path.rename(home.inbox / path.name)
    daemon = home.start()
    until(
        lambda: not [path for path in home.inbox.iterdir() if path.is_file() and not path.is_symlink()], 900
    )
    stamped(home.inbox / "good.mp4", seconds=3)
    until(lambda: [v for v in home.videos() if v["title"] == "good" and v["status"] == "ready"], 900)
    until(lambda: all(video["status"] in ("ready", "failed") for video in home.videos()), 900)
    assert daemon.poll() is None
    daemon.terminate()
    assert daemon.wait(15) == 0
    assert ear.heard == [b""]
    assert not re.findall("Traceback|(?i:please report)", home.logged())
    assert "root:" not in "".join(p.read_text(errors="replace") for p in home.library.rglob("*.json"))
    told = judge(home, names)
    assert not [name for name, how in told.items() if not how], told
    assert unexplained(home) == []
    assert told["tracks.mp4"] == told["chapters.mkv"] == told["subtitles.mkv"] == "ready", told
    assert {path.name for path in home.inbox.iterdir()} == LEFT | {"_failed"}
    shutil.rmtree(home.folder)


def unexplained(home: Home) -> list[str]:
    """The refusals, in `_failed` and of stages, that are no sentence of the table."""
    notes = [note for note in (home.inbox / "_failed").glob("*.txt") if note.with_suffix("").exists()]
    sentences = [note.read_text().strip() for note in notes]
    for video in home.videos():
        stages = video["stages"].values()
        sentences += [sentence for sentence in (video["error"], *(s["error"] for s in stages)) if sentence]
    assert len(sentences) > 100
    return [sentence for sentence in sentences if not refusals.is_refusal(sentence)]


def judge(home: Home, names: set[str]) -> dict[str, str]:
    """How each file ended: left, failed with a note, or an item that is ready or tells why it is not."""
    told = dict.fromkeys(names, "")
    for name in names & {path.name for path in home.inbox.iterdir()}:
        told[name] = "left"
    for note in (home.inbox / "_failed").glob("*.txt"):
        if (note.with_suffix("")).exists() and note.read_text().strip().endswith((".", "?")):
            told[note.name.removesuffix(".txt")] = "failed"
    accepted = {path.name: path.parent.name for path in home.folder.glob("originals/[0-9a-f]*/*")}
    videos = {video["id"]: video for video in home.videos()}
    for name in names & accepted.keys():
        video = videos[accepted[name]]
        if video["status"] == "ready" or video["error"]:
            told[name] = video["status"]
    return told
