#!/usr/bin/env python3
"""What the walls around tools cost: the start of a tool with them, bare, and as 0.1.0 started it, in turns.

    .venv/bin/python bench/walls.py [--rounds 60]

The tool is `true`, which does nothing, and `ffprobe -version`, whose loading of libraries is a start's usual cost.
"""

import argparse
import resource
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


def cpu_milliseconds(start: Callable[[list[str]], None], command: list[str]) -> float:
    """Of one start, to the tool's end: the processor's time, which does not depend on what else the machine does."""
    began = _cpu_seconds()
    start(command)
    return 1000 * (_cpu_seconds() - began)


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


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
        wall: dict[str, list[float]] = {start.__name__: [] for start in (bare, earlier, walled)}
        cpu: dict[str, list[float]] = {name: [] for name in wall}
        for _ in range(rounds):
            for start in (bare, earlier, walled):
                began = time.perf_counter()
                cpu[start.__name__].append(cpu_milliseconds(start, command))
                wall[start.__name__].append(1000 * (time.perf_counter() - began))
        for what, spent in (("CPU", cpu), ("least wall", wall)):
            pick = min if spent is wall else statistics.median
            print(
                f"{command[0]:<8} {what:<11}",
                "  ".join(f"{name} {pick(times):.1f} ms" for name, times in spent.items()),
            )


if __name__ == "__main__":
    main()
