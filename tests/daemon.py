"""Runs the real `vlogd` as its users do: a home in a folder, a process, files dropped into its inbox."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
MODEL = DATA / "whisper-micro"
DEMO = DATA / "demo.mp4"

OF_DISKS = (".vlogd-volume", ".vlogd-lease.lock", ".vlogd-lease.json", "originals.json")
"""Whose disk it is, and who uses it: different in each home, or each time."""

_QUICK = f"""
inboxes:
  main: {{folder: inbox, settle_seconds: 1}}
stages:
  hls: {{preset: ultrafast, segment_seconds: 2, gop_seconds: 1, chunk_seconds: 4, copy: never, skip_similar: false}}
  captions: {{model: {MODEL}}}
retry: {{first_wait_seconds: 0.2}}
sweep_after_seconds: 0
reserve_mebibytes: 1
"""


class Home:
    """A vlogd home and the processes that run in it."""

    def __init__(self, folder: Path, extra: str = _QUICK) -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.library = folder / "library"
        self.vlogd("init", folder, config=False)
        lines = (folder / "vlogd.yaml").read_text().split("inboxes:")[0]
        (folder / "vlogd.yaml").write_text(lines + extra)
        self.log = folder / "log.txt"

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "vlogd.yaml"

    def vlogd(
        self, *words: Any, config: bool = True, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """One command, to its end."""
        place = ["--config", self.config] if config else []
        command = [sys.executable, "-m", "vlogd", *place, *words]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=check, stdin=subprocess.DEVNULL, timeout=600
            )
        except subprocess.TimeoutExpired as error:
            raise AssertionError(
                f"{words} does not end; it said: {error.stdout!r} {error.stderr!r}"
            ) from error

    def once(self, *, check: bool = False) -> "subprocess.CompletedProcess[str]":
        """`vlogd run --once`."""
        return self.vlogd("run", "--once", check=check)

    def once_with(self, fake: str) -> "subprocess.CompletedProcess[str]":
        """`vlogd run --once` with a fake: code that runs in the daemon's process before anything else."""
        code = f"{fake}\nfrom vlogd.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, "--config", self.config, "run", "--once"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip

    def once_later(self, hours: int) -> "subprocess.CompletedProcess[str]":
        """The same with a fake: so many hours have passed, by a clock that is kept right."""
        return self.once_with(
            "import dataclasses\nfrom vlogd.core import clock\nread = clock.read\n"
            f"clock.read = lambda: dataclasses.replace(read(), wall=read().wall + {hours * 3600}, is_synchronised=True)"
        )

    def start_with(self, fake: str) -> "subprocess.Popen[bytes]":
        """The same with a fake: code that runs in the daemon's process before anything else."""
        code = f"{fake}\nfrom vlogd.cli import main; main()"
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", code, "--config", self.config, "run"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def start(self, **environment: str) -> "subprocess.Popen[bytes]":
        """`vlogd run` in the background, logging to `log.txt`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "vlogd", "--config", self.config, "run"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment},
            )  # fmt: skip

    def status(self) -> dict[str, Any]:
        """What `vlogd status --json` says."""
        value: dict[str, Any] = json.loads(self.vlogd("status", "--json").stdout)
        return value

    def videos(self) -> list[dict[str, Any]]:
        """Every published video.json."""
        return [json.loads(path.read_text()) for path in sorted(self.library.glob("videos/*/video.json"))]

    def logged(self) -> str:
        """What the background processes logged."""
        return self.log.read_text() if self.log.exists() else ""


def until(true: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for something to become true; fails when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not happen within {seconds} s")


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End it with SIGKILL."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def children(pid: int) -> list[int]:
    """The processes that descend from `pid`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """All files below `folder`, without those about whose disk it is, and the times of day that JSON files tell."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in OF_DISKS:
            data = path.read_bytes()
            if path.name in ("video.json", "catalog.json"):
                data = json.dumps(_timeless(json.loads(data))).encode()
            found[str(path.relative_to(folder))] = data
    return found


def library_of(folder: Path, drop: Callable[[Home], Path]) -> dict[str, bytes]:
    """The library that becomes of a drop without any trouble."""
    home = Home(folder)
    drop(home)
    assert home.once().returncode == 0
    return tree(home.library)


def same_trees(found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """Fail with the names of the files that differ, and with the text of the small ones."""
    differing = {
        name: [None if one is None else one.decode("ascii", "replace")[:2000] for one in pair]
        for name in sorted(found.keys() | wanted.keys())
        if (pair := (found.get(name), wanted.get(name)))[0] != pair[1]
    }
    texts = {name: pair for name, pair in differing.items() if not name.endswith((".m4s", ".mp4", ".ts"))}
    assert not differing, f"these files differ: {sorted(differing)}; as found and as wanted: {texts}"


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in ("added_at", "ready_at")}
    return [_timeless(one) for one in value] if isinstance(value, list) else value
