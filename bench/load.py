#!/usr/bin/env python3
"""What many items cost: memory with a long queue, start-up with a long journal, and who has to wait.

    .venv/bin/python bench/load.py [--queued 10 1000 10000] [--known 1000 10000 100000]

The items are real to the daemon (a folder of their own in the originals, the same small clip linked into
each), so that it really works on the first of them meanwhile. They have no streams; `known.py` measures those that do.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from common import home
from watched import Daemon, drop, make_clip, peak_mebibytes, poll

_MOST_LINKS = 50_000
"""ext4 allows 65,000 names for one file."""


def fill(folder: Path, clip: Path, number: int) -> None:
    """So many items among the originals."""
    for index in range(number):
        if index % _MOST_LINKS == 0:
            clip = Path(shutil.copy(clip, folder / f"clip-{index}.mp4"))
        item_id = f"{index:016x}"
        place = folder / "originals" / item_id
        place.mkdir(parents=True)
        os.link(clip, place / "clip.mp4")
        item = {
            "id": item_id,
            "title": f"clip {index}",
            "slug": f"clip-{index}",
            "inbox": "main",
            "original": f"{item_id}/clip.mp4",
            "digest": f"{index:064x}",
            "size_bytes": clip.stat().st_size,
            "accepted_at": 1e9 + index,
        }
        (place / ".vlogd-item.json").write_text(json.dumps(item))


def logged_after(daemon: Daemon, words: str) -> float:
    """Seconds from the daemon's start until it logs a line with `words`."""
    poll(lambda: any(words in line for line in daemon.log_lines()), 3600)
    return time.monotonic() - daemon.started_at


def queue(work: Path, clip: Path, number: int) -> str:
    """Memory of the daemon alone, half a minute after it found so many items to do."""
    config = home(work / "home")
    fill(work / "home", clip, number)
    with Daemon(config) as daemon:
        started = logged_after(daemon, "vlogd.started")
        time.sleep(30)
        peak = peak_mebibytes(daemon.pid)
        stopping_at = time.monotonic()
    stopped = time.monotonic() - stopping_at
    return f"{number:>7} queued: started after {started:5.2f} s, {peak:6.1f} MiB at most, stopped in {stopped:.2f} s"


def journal(work: Path, clip: Path, number: int) -> str:
    """Start-up when the journal knows so many items, and how soon a drop is worked on then."""
    config = home(work / "home")
    fill(work / "home", clip, number)
    with Daemon(config) as daemon:
        adopted = logged_after(daemon, "items.adopted")
    fresh = work / "fresh.mp4"
    make_clip(fresh, 3)
    with Daemon(config) as daemon:
        started = logged_after(daemon, "vlogd.started")
        dropped = drop(fresh, work / "home", "fresh.mp4") - daemon.started_at
        worked = logged_after(daemon, "part.started item=fresh") - dropped
        peak = peak_mebibytes(daemon.pid)
    return (
        f"{number:>7} known:  rebuilt in {adopted:6.2f} s, started in {started:5.2f} s, a drop is worked on after "
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
        with Daemon(home(work / "home", "copy: never")) as daemon:
            logged_after(daemon, "vlogd.started")
            if behind:
                drop(film, work / "home", "film.mp4")
                daemon.wait_until_playable("film")
            dropped_at = drop(clip, work / "home", "clip.mp4")
            seconds[name] = daemon.wait_until_playable("clip") - dropped_at
    return ", ".join(f"{name}: playable after {value:.1f} s" for name, value in seconds.items())


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queued", type=int, nargs="*", default=[10, 1000, 10_000])
    parser.add_argument("--known", type=int, nargs="*", default=[1000, 10_000, 100_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vlogd-bench-") as folder:
        work = Path(folder)
        clip = work / "clip.mp4"
        make_clip(clip, 2)
        for number in arguments.queued:
            print(queue(work, clip, number), flush=True)
        for number in arguments.known:
            print(journal(work, clip, number), flush=True)
        print(fairness(work), flush=True)


if __name__ == "__main__":
    main()
