"""Kills a working vlogd again and again, it or its children, and looks at what comes of it.

A history: files are dropped, and at random moments somebody dies by SIGKILL, until everything is
ready. Then the library must be the one of an undisturbed run, byte for byte, each original must be
there unchanged, no scratch may be left, and no finished part may have been done twice.

Run as a script it kills as often as it is told: `scripts/crashes 500`.
"""

import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from clips import stamped
from daemon import DEMO, Home, children, kill, same_trees, tree, until

PATIENT = "retry: {first_wait_seconds: 0.2, longest_wait_seconds: 0.5, attempts: 1000}"
"""Killing a tool is a failure of that tool: here it is tried again however often that happens."""


class Lab:
    """Two clips, the library that they become undisturbed, and a count of what was killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.histories = 0
        self._clips = {"demo.mp4": DEMO.read_bytes(),
                       "other.mkv": stamped(folder / "other.mkv", seconds=9, size="320x180", filters="noise=alls=60:allf=t").read_bytes()}  # fmt: skip
        home = self._home("undisturbed")
        assert home.once().returncode == 0
        self._undisturbed = tree(home.library)

    def history(self) -> None:
        """One home, from the drop to the end."""
        self.histories += 1
        home = self._home(f"history-{self.histories}")
        daemon = home.start()
        patience_seconds = 2.0
        while not self._is_ready(home):
            time.sleep(self._random.uniform(0.05, patience_seconds))
            patience_seconds += 0.5  # in the end every part must have had the time that it takes
            victim = self._random.choice(["vlogd", "vlogd", "ffmpeg", "speech"])
            if victim == "vlogd":
                ours = children(daemon.pid)
                kill(daemon)
                until(lambda ours=ours: not any(Path(f"/proc/{pid}").exists() for pid in ours), 10)  # type: ignore[misc]
                daemon = home.start()
                self.killed[victim] += 1
            else:
                self.killed[victim] += _kill_a_child(daemon.pid, "ffmpeg" if victim == "ffmpeg" else "python")
            assert daemon.poll() is None
        kill(daemon)
        self._check(home)
        shutil.rmtree(home.folder)

    def _home(self, name: str) -> Home:
        home = Home(self._folder / name)
        text = home.config.read_text()
        home.config.write_text(text.replace("retry: {first_wait_seconds: 0.2}", PATIENT))
        for file, data in self._clips.items():
            (home.inbox / file).write_bytes(data)
        return home

    def _is_ready(self, home: Home) -> bool:
        videos = home.videos()
        assert not [video["error"] for video in videos if video["status"] == "failed"]
        states = [one["status"] for video in videos for one in video["stages"].values()]
        return len(videos) == len(self._clips) and set(states) == {"ready"}

    def _check(self, home: Home) -> None:
        done = home.once()
        assert done.returncode == 0, done.stderr
        same_trees(tree(home.library), self._undisturbed)
        originals = home.folder / "originals"
        kept = {path.name: path.read_bytes() for path in originals.glob("[0-9a-f]*/*.m??")}
        assert kept == self._clips
        assert not list((originals / ".incoming").iterdir())
        assert [path for path in home.inbox.rglob("*") if path.is_file()] == []
        scratch = home.folder / "state/scratch"
        assert [path for path in scratch.rglob("*") if path.is_file()] == []
        twice = Counter(
            re.findall(r"part.done .*item=(\S+) stage=(probe|hls|captions|poster) part=(\S+)", home.logged())
        )
        assert [part for part, times in twice.items() if times > 1] == []
        assert "Traceback" not in home.logged()


def _kill_a_child(pid: int, name: str) -> int:
    """SIGKILL one of the daemon's children that runs this program; whether there was one."""
    for child in children(pid):
        with suppress(OSError):
            if name in os.readlink(f"/proc/{child}/exe"):  # noqa: PTH115 - a text is wanted
                os.kill(child, signal.SIGKILL)
                return 1
    return 0


def main() -> None:
    """Kill as often as asked, and say what was survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), asked.seed)
        while lab.killed.total() < asked.kills:
            lab.history()
            told = ", ".join(f"{name} {times}" for name, times in sorted(lab.killed.items()))
            sys.stdout.write(f"{lab.killed.total()} kills survived in {lab.histories} histories ({told})\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
