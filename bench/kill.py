#!/usr/bin/env python3
"""What a kill -9 in the middle of the ladder costs: wall and CPU against an undisturbed run, in turns.

.venv/bin/python bench/kill.py [--seconds 60] [--rounds 3] [--height 1080]
"""

import argparse
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from common import home, make_source
from watched import VLOGD


def run(folder: Path, source: Path, kill_after_seconds: float | None) -> tuple[float, float]:
    """Wall and CPU seconds until the video is ready, with a kill and a restart if asked for."""
    config = home(folder)
    shutil.copy(source, folder / "inbox" / "film.mp4")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [*VLOGD, "--config", config, "run", "--once"]
    if kill_after_seconds is not None:
        daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(kill_after_seconds)
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run the rounds and print what a kill added."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--height", type=int, default=1080)
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="vlogd-bench-"))
    source = work / "source.mp4"
    make_source(source, arguments.seconds, arguments.height)
    added = []
    for number in range(arguments.rounds):
        calm = run(work / "home", source, None)
        killed = run(work / "home", source, calm[0] * (0.35 + 0.15 * number))
        added.append(killed[0] - calm[0])
        print(f"round {number + 1}: undisturbed {calm[0]:.1f} s wall, {calm[1]:.1f} s CPU; killed {killed[0]:.1f} s, "
              f"{killed[1]:.1f} s", flush=True)  # fmt: skip
    print(f"a kill adds {statistics.median(added):.1f} s of wall time (median), {max(added):.1f} s at most")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
