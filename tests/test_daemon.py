"""The daemon's manners: stopping, locking, systemd's protocol, files that are no videos."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from clips import ffmpeg, stamped
from daemon import DEMO, Home, children, kill, until

import vlogd
from vlogd.core.files import TEMPORARY_PREFIX
from vlogd.media import refusals


def test_sigterm_ends_it_within_seconds_with_all_children(tmp_path: Path) -> None:
    """A stop in the middle of an encode leaves no child and no half file behind."""
    home = Home(tmp_path)
    shutil.copy(DEMO, home.inbox)
    daemon = home.start()
    until(lambda: re.search(r"part.started .*stage=hls", home.logged()))
    ours = until(lambda: children(daemon.pid))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in ours)
    assert not list(home.library.rglob(f"{TEMPORARY_PREFIX}*"))
    assert not list((home.folder / "state/scratch").rglob("*.mp4"))


def test_children_die_with_a_killed_daemon(tmp_path: Path) -> None:
    """SIGKILL of the daemon takes its ffmpeg with it."""
    home = Home(tmp_path)
    shutil.copy(DEMO, home.inbox)
    daemon = home.start()
    until(lambda: re.search(r"part.started .*part=video", home.logged()))
    ours = until(lambda: children(daemon.pid))
    kill(daemon)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ours), 10)


def test_sigterm_ends_it_although_the_library_does_not_answer(tmp_path: Path) -> None:
    """A library thread that never comes back (a fake: it sleeps) is left behind within seconds; no child is."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=20, size="640x360")
    stall = (
        "import time; from vlogd.engine.library_worker import LibraryWorker; publish = LibraryWorker.publish\n"
        "def stalling(self, survey, *rest):\n"
        "    return time.sleep(600) if 'hls' in rest[0] else publish(self, survey, *rest)\n"
        "LibraryWorker.publish = stalling"
    )
    daemon = home.start_with(stall)
    until(lambda: re.search(r"part.started .*stage=hls", home.logged()))
    ours = until(lambda: children(daemon.pid))
    time.sleep(1)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(15) == 0
    assert "vlogd.abandoned_work" in home.logged()
    assert not any(Path(f"/proc/{pid}").exists() for pid in ours)


def test_what_nobody_foresaw_is_logged_and_the_daemon_lives(tmp_path: Path) -> None:
    """A bug in the hearing of one event (a fake: progress raises KeyError) costs that event."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    daemon = home.start_with(
        "from vlogd.engine.dispatcher import Dispatcher\ndef broken(self, *rest): raise KeyError('x')\nDispatcher._moved = broken"
    )
    until(lambda: [v["status"] for v in home.videos()] == ["ready"])
    assert "KeyError: 'x'" in home.logged()
    daemon.terminate()
    assert daemon.wait(15) == 0


def test_an_error_in_deciding_ends_neither_the_daemon_nor_the_work(tmp_path: Path) -> None:
    """A bug in the deciding loop itself (a fake: its first two turns raise KeyError) is logged, and the loop goes on."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=1)
    fake = (
        "from vlogd.engine.controller import Controller; act, turns = Controller.act, [1, 2]\n"
        "def broken(self):\n"
        "    if turns: raise KeyError(f'turn {turns.pop()}')\n"
        "    act(self)\n"
        "Controller.act = broken"
    )
    daemon = home.start_with(fake)
    until(lambda: [v["status"] for v in home.videos()] == ["ready"])
    assert home.logged().count("KeyError: 'turn ") == 2
    daemon.terminate()
    assert daemon.wait(15) == 0


def test_an_error_in_deciding_ends_a_run_with_once(tmp_path: Path) -> None:
    """Nobody watches `run --once`, which would never end otherwise: exit code 1, and the error in the log."""
    home = Home(tmp_path)
    broken = "from vlogd.engine.controller import Controller; Controller.act = lambda self: {}['x']"
    done = subprocess.run(
        [sys.executable, "-c", f"{broken}\nfrom vlogd.cli import main; main()", "--config", home.config, "run", "--once"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "KeyError: 'x'" in done.stderr
    assert "vlogd.stopped" in done.stderr


def test_a_second_daemon_refuses_to_start(tmp_path: Path) -> None:
    """Two daemons never share a state folder."""
    home = Home(tmp_path)
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    second = home.vlogd("run", "--once", check=False)
    daemon.terminate()
    assert daemon.wait(15) == 0
    assert second.returncode == 1
    assert "Another vlogd is running" in second.stderr
    assert "Traceback" not in second.stderr


def test_it_speaks_to_systemd(tmp_path: Path) -> None:
    """READY, STATUS, WATCHDOG and STOPPING arrive at the notify socket."""
    home = Home(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        daemon = home.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1000000")
        until(lambda: "vlogd.started" in home.logged())
        time.sleep(1.2)
        daemon.terminate()
        assert daemon.wait(15) == 0
        ear.setblocking(False)
        said = []
        try:
            while True:
                said.append(ear.recv(1000).decode())
        except BlockingIOError:
            pass
    assert said[0] == "READY=1"
    assert said[-1] == "STOPPING=1"
    assert "STATUS=idle" in said
    assert said.count("WATCHDOG=1") >= 2


def test_drops_while_it_runs_are_published(tmp_path: Path) -> None:
    """cp, mv and a slow writer: each file is taken once, when it is whole."""
    home = Home(tmp_path)
    daemon = home.start()
    until(lambda: "vlogd.started" in home.logged())
    shutil.copy(stamped(tmp_path / "copied.mp4", seconds=2), home.inbox)
    stamped(tmp_path / "moved.mkv", seconds=3).rename(home.inbox / "moved.mkv")
    slow = stamped(tmp_path / "slow.mp4", seconds=4).read_bytes()
    (home.inbox / "folder").mkdir()
    with (home.inbox / "folder/slow.mp4").open("wb") as file:
        for at in range(0, len(slow), len(slow) // 4 + 1):
            file.write(slow[at : at + len(slow) // 4 + 1])
            file.flush()
            time.sleep(0.5)
    until(lambda: [v["status"] for v in home.videos()] == ["ready"] * 3)
    daemon.terminate()
    assert daemon.wait(15) == 0
    assert home.logged().count("item.accepted") == 3
    assert not [path for path in home.inbox.rglob("*") if path.is_file()]


def test_the_same_content_twice_is_one_item(tmp_path: Path) -> None:
    """A copy under another name is recognised, said, and removed."""
    home = Home(tmp_path)
    clip = stamped(home.inbox / "one.mp4", seconds=2)
    shutil.copy(clip, home.inbox / "two.mp4")
    done = home.once()
    assert done.returncode == 0
    assert done.stderr.count("item.accepted") == 1
    assert done.stderr.count("item.duplicate") == 1
    assert len(home.videos()) == 1
    assert len(list(home.folder.glob("originals/*/*.mp4"))) == 1


def test_bad_input_gets_a_sentence_and_never_stops_the_next_file(tmp_path: Path) -> None:
    """Nothing that is no video is lost, hangs or gives a traceback; the good file is published."""
    home = Home(tmp_path)
    inbox = home.inbox
    (inbox / "empty.mp4").touch()
    (inbox / "text.mp4").write_text("this is a letter\n" * 100)
    (inbox / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    (inbox / "concat.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-frames:v", "1", inbox / "picture.png")
    cut = stamped(tmp_path / "cut.mp4", seconds=3).read_bytes()
    (inbox / "cut.mp4").write_bytes(cut[: len(cut) // 2])
    (inbox / "link.mp4").symlink_to("/etc/passwd")
    os.mkfifo(inbox / "pipe.mp4")
    (inbox / "folder.mp4").mkdir()
    stamped(inbox / "good.mp4", seconds=2)
    done = home.once()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    failed = {path.name for path in (inbox / "_failed").iterdir()}
    names = {"empty.mp4", "text.mp4", "list.mp4", "concat.mp4", "picture.png", "cut.mp4"}
    assert failed == names | {f"{name}.txt" for name in names}
    notes = {name: (inbox / "_failed" / f"{name}.txt").read_text().strip() for name in names}
    assert all(map(refusals.is_refusal, notes.values()))
    assert notes["cut.mp4"] == refusals.NO_INDEX.sentence()
    assert "moov atom not found" in done.stderr
    assert (inbox / "_failed/cut.mp4").read_bytes() == cut[: len(cut) // 2]
    assert {path.name for path in inbox.iterdir()} == {"link.mp4", "pipe.mp4", "folder.mp4", "_failed"}
    assert {one["why"].split(",")[0] for one in home.status()["left"]} == {
        "It is a symbolic link",
        "It is a pipe",
    }
    assert [v["status"] for v in home.videos()] == ["ready"]


def test_any_name_becomes_a_safe_title_and_address(tmp_path: Path) -> None:
    """Quotes, markup, line ends, emoji, a leading dash, 255 bytes, bytes that are not UTF-8."""
    home = Home(tmp_path)
    names = [b'it\'s "quoted" & <b>bold.mp4', b"two\nlines\r.mp4", "\U0001f3ac film.mp4".encode(), b"-i -y.mp4",
             b"%s%n; $(reboot) `id`.mp4", b"n" * 251 + b".mp4", b"latin \xe9\xff.mp4"]  # fmt: skip
    assert home.inbox.is_dir()
    for number, name in enumerate(names):
        clip = stamped(home.folder / "clip.mp4", seconds=1 + number / 5)
        os.rename(os.fsencode(clip), os.path.join(os.fsencode(home.inbox), name))  # noqa: PTH104, PTH118 - bytes
    done = home.once()
    assert done.returncode == 0, done.stderr
    videos = home.videos()
    assert [v["status"] for v in videos] == ["ready"] * len(names)
    assert all(re.fullmatch(r"[a-z0-9-]{10,71}", v["slug"]) for v in videos)
    titles = {v["title"] for v in videos}
    assert {'it\'s "quoted" & <b>bold', "two lines", "\U0001f3ac film", "-i -y", "n" * 200} <= titles
    assert all(re.match(r"\d\d:\d\d:\d\d (info|warning)", line) for line in done.stderr.splitlines())
    kept = {os.path.basename(os.fsencode(p)) for p in home.folder.glob("originals/*/*.mp4")}  # noqa: PTH119 - bytes
    assert kept == set(names)


def test_a_missing_speech_model_leaves_the_video_watchable(tmp_path: Path) -> None:
    """Captions wait with a sentence; the video is ready without them."""
    home = Home(tmp_path)
    text = home.config.read_text().replace(str(DEMO.parent / "whisper-micro"), str(tmp_path / "nowhere"))
    home.config.write_text(text)
    shutil.copy(DEMO, home.inbox)
    done = home.once()
    assert done.returncode == 0, done.stderr
    (video,) = home.videos()
    assert video["status"] == "ready"
    assert video["captions"] == []
    assert "There is no speech model in the folder" in " ".join(video["notes"])


def test_a_changed_setting_redoes_only_what_it_concerns(tmp_path: Path) -> None:
    """Another poster setting makes a new poster and leaves the stream alone."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    assert home.once().returncode == 0
    home.config.write_text(
        home.config.read_text().replace("stages:\n", "stages:\n  poster: {at_seconds: 1}\n")
    )
    assert "setting at_seconds changed from 5.0 to 1.0" in home.vlogd("why", "a").stdout
    again = home.once()
    assert re.findall(r"part.started .*stage=(\S+)", again.stderr) == ["poster"]


def test_an_upgrade_redoes_only_what_changed(tmp_path: Path) -> None:
    """Stop, another version of one stage, start: that stage runs again, and nothing else."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    assert home.once().returncode == 0
    new = tmp_path / "new"
    shutil.copytree(Path(vlogd.__file__).parent, new / "vlogd")
    poster = new / "vlogd/stages/poster.py"
    changed, times = re.subn(
        r"version=(\d+)", lambda found: f"version={int(found[1]) + 1}", poster.read_text()
    )
    assert times == 1
    poster.write_text(changed)
    again = subprocess.run(
        [sys.executable, "-m", "vlogd", "--config", home.config, "run", "--once"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(new)}, cwd=new,
    )  # fmt: skip
    assert "the stage went from version" in again.stderr
    assert re.findall(r"part.started .*stage=(\S+)", again.stderr) == ["poster"]


def test_a_parked_video_is_tried_again_on_request(tmp_path: Path) -> None:
    """A failing stage parks its video with a cause; `vlogd retry` takes it up again."""
    home = Home(tmp_path)
    stamped(home.inbox / "a.mp4", seconds=3)
    broken = tmp_path / "bin"
    broken.mkdir()
    (broken / "ffmpeg").write_text('#!/bin/sh\ncase "$*" in *libx264*output_ts_offset*|*output_ts_offset*libx264*) echo "no such luck" >&2; exit 1;; esac\n'
                                 f'exec {shutil.which("ffmpeg")} "$@"\n')  # fmt: skip
    (broken / "ffmpeg").chmod(0o755)
    daemon = home.start(PATH=f"{broken}:{os.environ['PATH']}")
    until(lambda: "step.parked" in home.logged())
    until(lambda: [v["status"] for v in home.videos()] == ["failed"])
    assert home.logged().count("part.failed") == 2
    assert "no such luck" in home.vlogd("show", "a").stdout
    (broken / "ffmpeg").unlink()
    home.vlogd("retry", "a")
    until(lambda: [v["status"] for v in home.videos()] == ["ready"])
    daemon.terminate()
    assert daemon.wait(15) == 0
