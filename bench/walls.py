#!/usr/bin/env python3
"""What the walls around tools cost: the start of a tool with them, bare, and as 0.1.0 started it, in turns.

    .venv/bin/python bench/walls.py [--rounds 60]

The tool is `true`, which does nothing, and `ffprobe -version`, whose loading of libraries is a start's usual cost.
"""

import argparse
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from vlogd.media import process
from vlogd.media.process import Limits
from vlogd.media.sandbox import walls
from vlogd.media.sandbox.access import Access
from vlogd.media.sandbox.walls import Bounds

_EARLIER = ("nice", "-n", "10", "ionice", "-c", "2", "-n", "7", "prlimit", f"--as={8 << 30}",
            "setpriv", "--pdeathsig", "KILL", "--ambient-caps", "-all", "--inh-caps", "-all")  # fmt: skip


def bare(command: list[str]) -> None:
    """Nothing between vlogd and the tool."""
    subprocess.run(command, check=True, capture_output=True)


def earlier(command: list[str]) -> None:
    """The four programs of 0.1.0."""
    bare([*_EARLIER, *command])


def walled(command: list[str]) -> None:
    """As vlogd starts it now: the ruleset and the filter are made, too."""
    access = Access(reads=(Path(__file__),), writes=(Path("/tmp"),))  # noqa: S108 - a folder that exists
    program = Path(shutil.which(command[0]) or command[0])
    with walls.launch(command, program, Bounds(10, 8 << 30), access) as launch:
        subprocess.run(
            launch.command,
            check=True,
            capture_output=True,
            env=launch.environment,
            pass_fds=launch.descriptors,
        )


def milliseconds(start: Callable[[list[str]], None], command: list[str]) -> float:
    """Of one start, to the tool's end."""
    began = time.perf_counter()
    start(command)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    process.output(["true"], limits=Limits())  # finds out which walls stand
    print(walls.walls().standing)
    for command in (["true"], ["ffprobe", "-hide_banner", "-version"]):
        spent: dict[Callable[[list[str]], None], list[float]] = {bare: [], earlier: [], walled: []}
        for _ in range(rounds):
            for start, times in spent.items():
                times.append(milliseconds(start, command))
        medians = {start.__name__: statistics.median(times) for start, times in spent.items()}
        print(command[0], "  ".join(f"{name} {value:.1f} ms" for name, value in medians.items()))


if __name__ == "__main__":
    main()
