"""A home and its daemon, measured from outside: by /proc, its log and its files.

Nothing here imports vlogd, so that one script measures any version of it. PYTHONPATH says which:

    PYTHONPATH=/path/to/another/checkout .venv/bin/python bench/known.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

VLOGD = [sys.executable, "-m", "vlogd"]

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_QUIET_SECONDS = 3.0
_QUIET_CPU_SECONDS = 0.03
"""A daemon that used no more than this in three seconds has nothing to do: its loop wakes every two seconds."""


def make_clip(path: Path, seconds: float, size: str = "320x180", rate: int = 25, hue: int = 0) -> None:
    """An H.264 clip without sound, so that no speech model is needed; another `hue` makes other content."""
    source = f"testsrc2=s={size}:r={rate}:d={seconds},hue=h={hue}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-preset", "ultrafast", "-pix_fmt", "yuv420p",
         path],
        check=True,
    )  # fmt: skip


def make_home(folder: Path, hls: str = "", **keys: object) -> Path:
    """A fresh home; `hls` is the inside of that stage's section, `keys` go to the top level. The configuration."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*VLOGD, "init", folder], check=True, stdout=subprocess.DEVNULL)
    config = folder / "vlogd.yaml"
    lines = [config.read_text(), "    settle_seconds: 1\n", f"stages: {{hls: {{{hls}}}}}\n"]
    config.write_text("".join(lines + [f"{key}: {value}\n" for key, value in keys.items()]))
    return config


def drop(file: Path, home: Path, name: str) -> float:
    """Copy a file beside the inbox and rename it into it. The moment (`time.monotonic`) of the rename."""
    staged = home / f".{name}"
    shutil.copy(file, staged)
    dropped_at = time.monotonic()
    staged.rename(home / "inbox" / name)
    return dropped_at


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, without its children (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_SECONDS


def peak_mebibytes(pid: int) -> float:
    """Peak resident memory of one process, without its children."""
    match = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


def wake_ups(pid: int) -> int:
    """How often the main thread of a process went to sleep and was woken (proc(5), status)."""
    text = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def poll(condition: Callable[[], Any], seconds: float, interval_seconds: float = 0.02) -> Any:
    """The first true value of `condition`. Raises TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(interval_seconds)
    raise TimeoutError(f"{condition} stayed false for {seconds:.0f} s")


class Daemon:
    """`vlogd run` on a home. `prefix` is a command to run it under that leaves it our child."""

    def __init__(self, config: Path, prefix: tuple[str, ...] = ()) -> None:
        self._log = config.parent / "log.txt"
        self._library = config.parent / "library"
        self.started_at = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*prefix, *VLOGD, "--config", config, "run"],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.pid = self._process.pid

    def log_lines(self) -> list[str]:
        """What it has logged so far."""
        return self._log.read_text().splitlines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """End it as systemd would and wait for it."""
        self._process.terminate()
        self._process.wait()

    def wait_until_quiet(self, seconds: float = 3600.0) -> tuple[float, float]:
        """Wait until it has nothing to do. Its CPU seconds so far, and the moment at which it fell quiet."""
        quiet_since, used = time.monotonic(), cpu_seconds(self.pid)
        deadline = quiet_since + seconds
        while time.monotonic() < deadline:
            time.sleep(0.1)
            now = time.monotonic()
            if cpu_seconds(self.pid) - used > _QUIET_CPU_SECONDS or self._waits():
                quiet_since, used = now, cpu_seconds(self.pid)
            elif now - quiet_since >= _QUIET_SECONDS:
                return cpu_seconds(self.pid), quiet_since
        raise TimeoutError(f"the daemon was still busy after {seconds:.0f} s")

    def wait_until_busy(self, seconds: float) -> None:
        """Wait for a burst of work: a twentieth of a second of CPU within a quarter of a second."""
        history: list[float] = []

        def is_busy() -> bool:
            history.append(cpu_seconds(self.pid))
            return history[-1] - history[max(0, len(history) - 12)] >= 0.05  # noqa: PLR2004

        poll(is_busy, seconds)

    def wait_until_playable(self, name: str, seconds: float = 600.0) -> float:
        """Wait for the master playlist of the video whose slug begins with `name`. The moment it appeared."""
        prefix = f"{name}-"

        def folder() -> Path | None:
            with os.scandir(self._library / "videos") as entries:
                return next((Path(entry.path) for entry in entries if entry.name.startswith(prefix)), None)

        video = poll(folder, seconds, 0.05)
        poll((video / "master.m3u8").exists, seconds, 0.01)
        return time.monotonic()

    def wait_until_ready(self, name: str, seconds: float = 3600.0) -> Path:
        """Wait until every stage of that video is finished. Its folder in the library."""

        def ready() -> Path | None:
            for document in (self._library / "videos").glob(f"{name}-*/video.json"):
                value = json.loads(document.read_bytes())
                if value["status"] == "ready" and all(
                    stage["status"] == "ready" for stage in value["stages"].values()
                ):
                    return document.parent
            return None

        return poll(ready, seconds, 0.1)

    def _waits(self) -> bool:
        """Whether one of its threads has a child process, or waits for a disk (uninterruptible sleep)."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                if (task / "children").read_text() or _state(task) == "D":
                    return True
            except OSError:  # the thread ended meanwhile
                continue
        return False


def _state(task: Path) -> str:
    """The one-letter state of a thread (proc(5), stat)."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]
