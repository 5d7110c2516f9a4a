#!/usr/bin/env python3
"""How soon a dropped file can be watched, for lengths from a minute to three hours, standard source and other.

    .venv/bin/python bench/playable.py [--minutes 1 10 60 180]

The standard source is made by repeating a minute without encoding it again; seconds are from the drop (a
rename into the inbox of a running daemon) to the first playable master playlist, and include the settling.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from common import home, make_source
from watched import VLOGD


def longer(minute: Path, target: Path, minutes: int) -> None:
    """A film of so many minutes, made of one minute repeated."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", str(minutes - 1), "-i", minute, "-c", "copy", "-movflags",
                    "+faststart", target], check=True)  # fmt: skip


def playable_seconds(folder: Path, film: Path) -> float:
    """From the drop to the master playlist."""
    home(folder)
    daemon = subprocess.Popen([*VLOGD, "--config", folder / "vlogd.yaml", "run"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        staged = folder / "film.mp4"
        shutil.copy(film, staged)
        began = time.monotonic()
        staged.rename(folder / "inbox/film.mp4")
        while not list((folder / "library").glob("videos/*/master.m3u8")):
            time.sleep(0.02)
        return time.monotonic() - began
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    """Print a row for each length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60, 180])
    parser.add_argument("--height", type=int, default=1080)
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="vlogd-bench-"))
    for kind in ("standard", "h264"):
        minute = work / f"{kind}.mp4"
        make_source(minute, 60, arguments.height, kind)
        for minutes in arguments.minutes if kind == "standard" else arguments.minutes[:1]:
            film = work / "film.mp4"
            longer(minute, film, minutes)
            seconds = playable_seconds(work / "home", film)
            print(
                f"{kind:<9} {minutes:>4} min {film.stat().st_size / 1e9:6.2f} GB  playable after {seconds:.2f} s",
                flush=True,
            )
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
