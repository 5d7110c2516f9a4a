"""The command line as people and scripts use it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from clips import stamped
from daemon import DEMO, Home, kill

from vlogd.cli import cli
from vlogd.core import contents
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput
from vlogd.stages.pipeline import STAGES


def test_a_wrong_configuration_is_told_without_a_traceback(tmp_path: Path) -> None:
    """Exit code 2 and one sentence for each problem."""
    home = Home(tmp_path)
    home.config.write_text(home.config.read_text() + "slots: {cpu: many}\nlibary: x\n")
    done = home.vlogd("status", check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert "Traceback" not in done.stderr


def test_plan_touches_nothing(tmp_path: Path) -> None:
    """A dry run names renditions, chunks and bytes, and makes no file."""
    home = Home(tmp_path)
    before = sorted(home.folder.rglob("*"))
    told = json.loads(home.vlogd("plan", DEMO, "--json").stdout)
    assert told["renditions"] == ["1280x720", "854x480", "640x360"]
    assert told["segments"] == 12
    assert told["chunks"] > 3
    assert told["stages"]["probe"] == "it has not been made yet"
    assert (told["stages"]["hls"], told["stages"]["stream"]) == ("it waits for probe", "it waits for hls")
    assert 1e6 < told["estimated_bytes"] < 20e6
    assert "no rendition is larger" in home.vlogd("plan", DEMO).stdout
    assert sorted(home.folder.rglob("*")) == before
    home.config.write_text(home.config.read_text().replace("copy: never", "copy: auto"))
    told = json.loads(home.vlogd("plan", DEMO, "--json").stdout)
    assert any("published as the top rendition" in sentence for sentence in told["why"])
    refused = home.vlogd("plan", __file__, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("vlogd: The file is not a video: it is a text.")


def test_a_video_s_life(tmp_path: Path) -> None:
    """add, run --once, status, show and why tell the same story; an unknown name is exit code 3."""
    home = Home(tmp_path)
    clip = stamped(tmp_path / "Day out.mp4", seconds=2)
    assert "Day out.mp4 is in the inbox main" in home.vlogd("add", clip).stdout
    assert home.once().returncode == 0
    assert clip.exists()
    status = home.status()
    assert [(v["title"], v["status"], v["progress"]) for v in status["videos"]] == [
        ("Day out", "ready", 100.0)
    ]
    assert not status["running"]
    assert "Day out" in home.vlogd("status").stdout
    (home.inbox / "film.mp4.part").touch()
    assert "ignored" not in status
    (ignored,) = json.loads(home.vlogd("status", "--ignored", "--json").stdout)["ignored"]
    assert ignored["path"] == str(home.inbox / "film.mp4.part")
    assert f"{ignored['path']}: {ignored['why']}" in home.vlogd("status", "--ignored").stdout
    shown = json.loads(home.vlogd("show", "day-out", "--json").stdout)
    assert Path(shown["original"]).read_bytes() == clip.read_bytes()
    assert {row["stage"] for row in shown["history"]} == {stage.name for stage in STAGES} - {"source"}
    assert "every artifact is current" in home.vlogd("why", "Day out").stdout
    assert "every rule is kept" in home.vlogd("verify", "day-out").stdout
    next(home.library.glob("videos/*/hls-*/v108/00000.m4s")).write_bytes(b"x")
    found = home.vlogd("verify", "--json", check=False)
    assert found.returncode == 1
    assert "cut off" in found.stdout
    unknown = home.vlogd("why", "nothing", check=False)
    assert unknown.returncode == 3
    assert "There is no video" in unknown.stderr


def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in names are shown as text by every command that names a video or its file."""
    home = Home(tmp_path)
    name = "a \x1b[2J\x1b]0;title\x07 film.mp4"
    stamped(home.folder / "clip.mp4", seconds=1).rename(home.folder / name)
    assert "\x1b" not in home.vlogd("add", home.folder / name).stdout
    assert home.once().returncode == 0
    (slug,) = (video["slug"] for video in home.videos())
    (home.inbox / "\x1b[31mno film.mp4").symlink_to("/etc/passwd")
    home.once()
    for command in (["status"], ["show", slug], ["why", slug], ["retry", slug], ["rm", slug]):
        told = home.vlogd(*command).stdout
        assert "film" in told or command[0] == "why"
        assert not {"\x1b", "\x07"} & set(told), command
    assert "\\x1b[2J" in home.vlogd("show", slug).stdout


def test_doctor_says_what_to_do(tmp_path: Path) -> None:
    """A missing inbox is a failure with a remedy; a sound home passes."""
    home = Home(tmp_path)
    assert home.vlogd("doctor").returncode == 0
    home.inbox.rmdir()
    done = home.vlogd("doctor", "--json", check=False)
    assert done.returncode == 1
    (failed,) = [finding for finding in json.loads(done.stdout) if finding["level"] == "fail"]
    assert failed["remedy"] == "Create it, or mount its disk."


def test_serve_gives_the_page_to_this_machine_only(tmp_path: Path) -> None:
    """The address is printed; a port that is taken, and an address of the network, are refused with a sentence."""
    home = Home(tmp_path)
    (home.library / "index.html").write_text("<p>Videos")
    with subprocess.Popen(
        [sys.executable, "-m", "vlogd", "--config", home.config, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            with urlopen(address) as answer:
                assert answer.read() == b"<p>Videos"
            port = address.rstrip("/").rpartition(":")[2]
            taken = home.vlogd("serve", "--port", port, check=False)
            assert (taken.returncode, taken.stdout) == (1, "")
            assert (
                f"Port {port} of 127.0.0.1 cannot be used: Address already in use. Choose another"
                in taken.stderr
            )
        finally:
            kill(server)
    assert home.vlogd("serve", "--bind", "0.0.0.0", check=False).returncode == 2


def test_status_while_the_first_start_makes_the_journal(tmp_path: Path) -> None:
    """A database that has no tables yet is no error."""
    home = Home(tmp_path)
    (home.folder / "state").mkdir(exist_ok=True)
    (home.folder / "state/journal.db").touch()
    assert home.status()["videos"] == []


@pytest.mark.parametrize("name", ["film.mp4.part", ".film.mp4", "film.mp4~", "desktop.ini"])
def test_add_refuses_what_is_never_taken(tmp_path: Path, name: str) -> None:
    """A name that the inbox ignores is refused with a sentence, and nothing is copied."""
    home = Home(tmp_path)
    shutil.copy(DEMO, tmp_path / name)
    added = home.vlogd("add", tmp_path / name, check=False)
    assert (added.returncode, added.stdout) == (1, "")
    assert f"{name} is a name that vlogd ignores" in added.stderr
    assert list(home.inbox.iterdir()) == []


def test_add_never_replaces_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of that name that is dropped while the copy is made stays, and the copy goes (a fake: it comes then)."""
    home = Home(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"added")
    copy = contents.copy

    def copy_while_somebody_drops(source: BinaryIO, target: BinaryIO, stop: Stop) -> None:
        copy(source, target, stop)
        (home.inbox / "film.mp4").write_bytes(b"dropped")

    monkeypatch.setattr(contents, "copy", copy_while_somebody_drops)
    runner = CliRunner()
    result = runner.invoke(cli, ["--config", str(home.config), "add", str(tmp_path / "film.mp4")])
    assert isinstance(result.exception, BadInput)
    assert [(path.name, path.read_bytes()) for path in home.inbox.iterdir()] == [("film.mp4", b"dropped")]
