"""The service under a real systemd: the unit file of this checkout, its sandbox, its journal, its restarts."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clips import ffmpeg
from daemon import DEMO, MODEL, until

from vlogd.media.sandbox import landlock

ROOT = Path(__file__).parent.parent
HELPER = ROOT / "tests/systemd-lab.sh"

_NEEDS = ("systemd-nspawn", "nsenter", "setpriv", "pgrep")

# Where docs/install.md puts things; `python -m` because a virtual environment that is seen at another place
# than it was made at has commands that point to the old one.
_DROP_IN = """
[Service]
Environment=PYTHONPATH=/opt/vlogd
ExecStart=
ExecStart=/opt/vlogd/.venv/bin/python -m vlogd --config /etc/vlogd/vlogd.yaml {command}
"""

_ATTEMPTS = """
[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=sh /srv/video/attempts
ExecStart=cp /proc/self/net/dev /var/lib/vlogd/network
"""

_WRITABLE = ("/var/lib/vlogd", "/var/cache/vlogd", "/srv/video/inbox", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
"""Where the service can write, as its unit says."""

_CACHE = "/var/cache/vlogd/hub/models--Systran--faster-whisper-tiny"
"""Where the hub's client keeps a model that was fetched (huggingface_hub, "Manage the cache")."""

_CONFIG = """
state: /var/lib/vlogd
originals: /srv/video/originals
library: /srv/video/library
inboxes:
  main: {folder: /srv/video/inbox, settle_seconds: 1}
stages:
  hls: {preset: PRESET, segment_seconds: 2, gop_seconds: 1, chunk_seconds: 4, copy: never}
  captions: {model: tiny}
"""


class Lab:
    """A booted systemd with vlogd installed as docs/install.md tells; `/srv/video` is shared with the test."""

    def __init__(self, folder: Path, preset: str) -> None:
        self.video = folder / "video"
        self._boot = folder / "boot"
        self._log = folder / "boot.log"
        etc = folder / "etc"
        for path in (self._boot, etc, *(self.video / name for name in ("inbox", "originals", "library"))):
            path.mkdir(parents=True)
        (etc / "vlogd.yaml").write_text(_CONFIG.replace("PRESET", preset))
        binds = {ROOT / "vlogd": "/opt/vlogd/vlogd", Path(sys.prefix): "/opt/vlogd/.venv", etc: "/etc/vlogd"}
        options = [
            f"--bind-ro={here}:{there}" for here, there in {**binds, MODEL: "/opt/vlogd/model"}.items()
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [HELPER, "boot", self._boot, *options, f"--bind={self.video}:/srv/video"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def install(self) -> None:
        """Wait for the end of the boot, then add the user and the unit. Skips where nothing boots."""
        until(lambda: self._process.poll() is not None or self._state() in ("running", "degraded"))
        if self._process.poll() is not None:
            pytest.skip(f"no systemd can be booted here: {self._log.read_text().strip()[-500:]}")
        self.run("useradd", "--system", "--home", "/var/lib/vlogd", "vlogd")
        self.run("sh", "-c", "chown vlogd: /srv/video/*")
        for name, command in (("vlogd", "run"), ("vlogd-model", "fetch-model")):
            unit = f"/etc/systemd/system/{name}.service"
            self.run("tee", unit, text=(ROOT / f"systemd/{name}.service").read_text())
            self.run(
                "install", "-D", "/dev/stdin", f"{unit}.d/test.conf", text=_DROP_IN.format(command=command)
            )
        # The micro model as the one called tiny: there is no network to fetch it from.
        self.run("sh", "-c", f"mkdir -p {_CACHE}/refs {_CACHE}/snapshots && echo -n {'0' * 40} >{_CACHE}/refs/main "
                             f"&& cp -r /opt/vlogd/model {_CACHE}/snapshots/{'0' * 40} && chown -R vlogd: /var/cache/vlogd")  # fmt: skip
        self.run("systemctl", "daemon-reload")

    def end(self) -> None:
        """Halt it. What it wrote outside the shared folder is gone."""
        self._process.terminate()
        self._process.wait(60)

    def run(self, *words: str, text: str = "", check: bool = True) -> str:
        """The output of a command inside, run as root."""
        done = subprocess.run([HELPER, "exec", self._boot, *words], input=text, capture_output=True, text=True, check=False)  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stderr}{done.stdout}"
        return done.stdout.strip()

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.run("systemctl", "show", "vlogd", "--value", "-p", name)

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """What the unit and systemd logged about it, as fields."""
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "-u", "vlogd", "-o", "json", "--no-pager", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def events(self) -> list[str]:
        """The names of vlogd's events, in order."""
        return [entry["VLOGD_EVENT"] for entry in self.journal() if "VLOGD_EVENT" in entry]

    def encoders(self, pattern: str = "^ffmpeg ") -> list[str]:
        """The pids of each ffmpeg inside; nothing but vlogd starts one there."""
        return self.run("pgrep", "-f", pattern, check=False).split()

    def encoding(self) -> list[str]:
        """The pids of ffmpeg while one makes a rendition of the clip, else none."""
        started = self.journal("VLOGD_EVENT=part.started", "VLOGD_STAGE=hls")
        at_work = any("video" in entry["VLOGD_PART"] for entry in started)
        return self.encoders("^ffmpeg .*-format_whitelist") if at_work else []

    def drop(self, clip: Path) -> None:
        """Put `clip` into the inbox, as somebody else than vlogd who lets it read and move it."""
        clip.chmod(0o644)
        clip.rename(self.video / "inbox" / clip.name)

    def videos(self) -> list[dict[str, Any]]:
        """Every published video.json."""
        return [json.loads(path.read_text()) for path in self.video.glob("library/videos/*/video.json")]

    def _state(self) -> str:
        return self.run("systemctl", "is-system-running", check=False)


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A fresh one for each test. A parameter is the encoder's preset: a slow one is long at work."""
    missing = [program for program in _NEEDS if shutil.which(program) is None]
    if os.geteuid() != 0:
        pytest.skip("only root can boot a systemd")
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")
    if not sys.base_prefix.startswith("/usr"):
        pytest.skip(f"the Python in {sys.base_prefix} cannot be run by a service user")
    lab = Lab(tmp_path, getattr(request, "param", "ultrafast"))
    try:
        lab.install()
        yield lab
    finally:
        lab.end()


def long(path: Path) -> Path:
    """A clip that is quickly made, and long at work with a slow preset."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360:d=20", "-preset", "ultrafast", path)
    return path


slowly = pytest.mark.parametrize("lab", ["veryslow"], indirect=True)


@pytest.mark.slow
def test_the_service_publishes_and_tells_about_it(lab: Lab, tmp_path: Path) -> None:
    """In its sandbox it takes, encodes and transcribes; status and journal tell of it, field by field."""
    lab.run("systemctl", "start", "vlogd")  # returns when READY=1 arrived, as the unit is of Type=notify
    assert lab.show("ActiveState") == "active"
    shutil.copy(DEMO, tmp_path / "sunrise.mp4")
    (tmp_path / "letter.mp4").write_text("no video\n" * 100)
    lab.drop(tmp_path / "sunrise.mp4")
    lab.drop(tmp_path / "letter.mp4")
    (video,) = until(lambda: [one for one in lab.videos() if one["status"] == "ready" and one["captions"]])
    assert lab.run("systemctl", "is-active", "vlogd-model") == "active"
    until(lambda: lab.show("StatusText") == "idle")
    assert 'Status: "idle"' in lab.run("systemctl", "status", "vlogd")

    (accepted,) = lab.journal("VLOGD_EVENT=item.accepted")
    assert accepted["VLOGD_ITEM"] == video["slug"]
    assert accepted["VLOGD_FILE"] == "/srv/video/inbox/sunrise.mp4"
    assert accepted["PRIORITY"] == "6"
    assert accepted["SYSLOG_IDENTIFIER"] == "vlogd"
    assert accepted["_SYSTEMD_UNIT"] == "vlogd.service"
    assert accepted["MESSAGE"].startswith(f"item.accepted item={video['slug']} ")
    stages = {entry.get("VLOGD_STAGE") for entry in lab.journal(f"VLOGD_ITEM={video['slug']}")}
    assert {"hls", "captions", "poster"} <= stages
    (walls,) = lab.journal(f"VLOGD_EVENT={'walls.standing' if landlock.abi() else 'walls.missing'}")
    assert "the network" in walls["MESSAGE"]
    assert not landlock.abi() or "files that are not theirs (Landlock" in walls["MESSAGE"]
    (warning,) = until(
        lambda: [w for w in lab.journal("-p", "warning") if w["VLOGD_EVENT"] != "walls.missing"]
    )
    assert warning["VLOGD_EVENT"] == "file.failed"
    assert warning["VLOGD_FILE"] == "/srv/video/inbox/letter.mp4"

    before = lab.show("MainPID")
    lab.run("systemctl", "reload", "vlogd")
    until(lambda: lab.events().count("vlogd.started") == 2 and lab.show("StatusText") == "idle")
    assert "config.reloaded" in lab.events()
    assert lab.show("MainPID") == before
    assert "CapEff:\t0000000010000000" in lab.run("cat", f"/proc/{before}/status")  # CAP_LEASE and no more
    modes = lab.run("stat", "-c", "%a", "/var/lib/vlogd", "/var/cache/vlogd", "/srv/video/library/videos")
    assert modes.split() == ["700", "700", "755"]
    rated = lab.run("systemd-analyze", "security", "vlogd", "--no-pager").splitlines()[-1]
    assert float(rated.split(":")[1].split()[0]) <= 1.4
    assert lab.show("MemoryMax").isdigit()


@pytest.mark.slow
def test_what_the_service_runs_can_do_little(lab: Lab) -> None:
    """The same sandbox around other programs, as a flaw in a decoder would let a file run them."""
    attempts = {
        "write": "touch /var/lib/vlogd/x && touch /srv/video/library/x",
        **{
            f"run what it wrote in {folder}": f"cp /usr/bin/true {folder}/x && {folder}/x"
            for folder in _WRITABLE
        },
        "write elsewhere": "touch /usr/x || touch /etc/x || touch /opt/x || touch /run/x || touch /home/x",
        "see another user's process": "test -e /proc/1/status",
        "open a connection": "python3 -c 'import socket; socket.socket()'",
        "see a disk or a graphics card": "ls /dev/sda || ls /dev/vda || ls /dev/dri || ls /dev/mem",
        "make a namespace": "unshare --user true",
        "become another user": "python3 -c 'import os; os.setuid(0)'",
    }
    tried = "".join(
        f'({attempt}) && echo "{what}" >>/var/lib/vlogd/could\n' for what, attempt in attempts.items()
    )
    lab.run("tee", "/srv/video/attempts", text=f"{tried}true\n")
    lab.run("install", "/dev/stdin", "/etc/systemd/system/vlogd.service.d/try.conf", text=_ATTEMPTS)
    lab.run("systemctl", "daemon-reload")
    lab.run("systemctl", "start", "vlogd")
    assert lab.run("cat", "/var/lib/vlogd/could").splitlines() == ["write"]
    network = lab.run("cat", "/var/lib/vlogd/network").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in network] == ["lo"]


@pytest.mark.slow
@slowly
def test_a_killed_service_is_restarted_and_goes_on(lab: Lab, tmp_path: Path) -> None:
    """SIGKILL of vlogd alone takes its ffmpeg with it; systemd starts it again, and the video gets ready."""
    lab.run("systemctl", "start", "vlogd")
    lab.drop(long(tmp_path / "long.mp4"))
    before = until(lab.encoding)
    killed = lab.show("MainPID")
    lab.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", "vlogd")
    until(lambda: lab.show("NRestarts") == "1" and lab.show("ActiveState") == "active")
    assert lab.show("MainPID") != killed
    assert not set(before) & set(lab.encoders())
    until(lambda: [video["status"] for video in lab.videos()] == ["ready"])
    assert lab.events().count("item.accepted") == 1
    assert lab.show("NRestarts") == "1"


@pytest.mark.slow
@slowly
def test_a_stop_in_the_middle_of_work_is_orderly(lab: Lab, tmp_path: Path) -> None:
    """The daemon ends its children itself and in time: systemd has to kill nothing and finds no fault."""
    lab.run("systemctl", "start", "vlogd")
    lab.drop(long(tmp_path / "long.mp4"))
    until(lab.encoding)
    lab.run("systemctl", "stop", "vlogd")
    assert lab.encoders() == []
    assert lab.show("ActiveState") == "inactive"
    assert lab.show("Result") == "success"
    assert lab.show("ExecMainStatus") == "0"
    assert lab.events()[-2:] == ["vlogd.stopping", "vlogd.stopped"]
    assert not [entry for entry in lab.journal() if "SIGKILL" in entry["MESSAGE"]]


@pytest.mark.slow
def test_a_hung_service_is_restarted(lab: Lab) -> None:
    """When the deciding loop says nothing, here because it is frozen, systemd starts the daemon anew."""
    patience = "[Service]\nWatchdogSec=4\n"  # the unit's own minute would only make the test longer
    lab.run("install", "/dev/stdin", "/etc/systemd/system/vlogd.service.d/watchdog.conf", text=patience)
    lab.run("systemctl", "daemon-reload")
    lab.run("systemctl", "start", "vlogd")
    frozen = lab.show("MainPID")
    lab.run("systemctl", "kill", "--kill-whom=main", "-s", "STOP", "vlogd")
    until(lambda: lab.show("NRestarts") != "0" and lab.show("ActiveState") == "active")
    assert lab.show("MainPID") != frozen
    assert [entry for entry in lab.journal() if "Watchdog timeout" in entry["MESSAGE"]]
    until(lambda: lab.events().count("vlogd.started") > 1)
