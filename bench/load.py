#!/usr/bin/env python3
"""What many items cost: memory with a long queue, start-up with a long journal, and who has to wait.

    .venv/bin/python bench/load.py [--queued 10 1000 10000] [--known 1000 10000 100000]

The items are real to the daemon (a home of their own in the originals, the same small clip linked into
each), so that it really works on the first of them meanwhile.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from common import VLOGD, home, peak_mebibytes

from vlogd.core.model import Item
from vlogd.storage.originals import ITEM

_MOST_LINKS = 50_000
"""ext4 allows 65,000 names for one file."""


def make_clip(path: Path, seconds: int = 2, size: str = "320x180") -> None:
    """A clip of few bytes."""
    source = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, "-preset", "veryfast", path], check=True)


def fill(folder: Path, clip: Path, number: int) -> None:
    """So many items among the originals."""
    size = clip.stat().st_size
    for index in range(number):
        if index % _MOST_LINKS == 0:
            clip = Path(shutil.copy(clip, folder / f"clip-{index}.mp4"))
        item_id = f"{index:016x}"
        place = folder / "originals" / item_id
        place.mkdir(parents=True)
        os.link(clip, place / "clip.mp4")
        item = Item(
            item_id,
            f"clip {index}",
            f"clip-{index}",
            "main",
            f"{item_id}/clip.mp4",
            f"{index:064x}",
            size,
            1e9 + index,
        )
        (place / ITEM).write_text(json.dumps(asdict(item)))


class Running:
    """A daemon on a home; `log` is what it said."""

    def __init__(self, config: Path) -> None:
        self._log = config.parent / "log.txt"
        self.began = time.monotonic()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen([*VLOGD, "--config", config, "run"], stderr=log)

    def wait_for(self, words: str) -> float:
        """Seconds since the start until it says `words`."""
        while words not in self._log.read_text():
            time.sleep(0.02)
        return time.monotonic() - self.began

    def end(self) -> float:
        """Stop it; how long that took."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait()
        return time.monotonic() - began


def queue(work: Path, clip: Path, number: int) -> str:
    """Memory of the daemon alone, half a minute after it found so many items to do."""
    config = home(work / "home")
    fill(work / "home", clip, number)
    daemon = Running(config)
    started = daemon.wait_for("vlogd.started")
    time.sleep(30)
    peak = peak_mebibytes(daemon.process.pid)
    stopped = daemon.end()
    return f"{number:>7} queued: started after {started:5.2f} s, {peak:6.1f} MiB at most, stopped in {stopped:.2f} s"


def journal(work: Path, clip: Path, number: int) -> str:
    """Start-up when the journal knows so many items, and how soon a drop is worked on then."""
    config = home(work / "home")
    fill(work / "home", clip, number)
    first = Running(config)
    learned = first.wait_for("items.adopted")
    first.end()
    second = Running(config)
    started = second.wait_for("vlogd.started")
    fresh = work / "fresh.mp4"
    make_clip(fresh, 3)
    dropped = time.monotonic() - second.began
    fresh.rename(work / "home/inbox/fresh.mp4")
    worked = second.wait_for("part.started item=fresh") - dropped
    peak = peak_mebibytes(second.process.pid)
    second.end()
    return (
        f"{number:>7} known:  rebuilt in {learned:6.2f} s, started in {started:5.2f} s, a drop is worked on after "
        f"{worked:.2f} s, {peak:.1f} MiB"
    )


def fairness(work: Path) -> str:
    """A ten-second clip behind a film of three hours: when can it be watched?"""
    minute, film, clip = work / "minute.mp4", work / "film.mp4", work / "clip.mp4"
    make_clip(minute, 60, "1280x720")
    repeat = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "179", "-i", minute, "-c", "copy", film]
    subprocess.run(repeat, check=True)
    make_clip(clip, 10, "1280x720")
    seconds = {}
    for name, behind in (("alone", False), ("behind a film", True)):
        config = home(work / "home", "copy: never")
        daemon = Running(config)
        daemon.wait_for("vlogd.started")
        if behind:
            shutil.copy(film, work / "home/inbox/.film.mp4")
            (work / "home/inbox/.film.mp4").rename(work / "home/inbox/film.mp4")
            daemon.wait_for("item.playable")
        shutil.copy(clip, work / "home/inbox/.clip.mp4")
        dropped = time.monotonic() - daemon.began
        (work / "home/inbox/.clip.mp4").rename(work / "home/inbox/clip.mp4")
        seconds[name] = daemon.wait_for("item.playable item=clip") - dropped
        daemon.end()
    return ", ".join(f"{name}: playable after {value:.1f} s" for name, value in seconds.items())


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queued", type=int, nargs="*", default=[10, 1000, 10_000])
    parser.add_argument("--known", type=int, nargs="*", default=[1000, 10_000, 100_000])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vlogd-bench-") as folder:
        work = Path(folder)
        clip = work / "clip.mp4"
        make_clip(clip)
        for number in asked.queued:
            sys.stdout.write(queue(work, clip, number) + "\n")
            sys.stdout.flush()
        for number in asked.known:
            sys.stdout.write(journal(work, clip, number) + "\n")
            sys.stdout.flush()
        sys.stdout.write(fairness(work) + "\n")


if __name__ == "__main__":
    main()
