#!/usr/bin/env python3
"""Which chunk length and how many chunks at once are best on this machine? All pairs, in turns.

    .venv/bin/python bench/chunks.py [--seconds 48] [--chunks 6 12 24 48] [--slots 1 2 3] [--rounds 1]

For one core: `taskset -c 0 .venv/bin/python bench/chunks.py --slots 1 2`.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from common import home, make_source, size_of, timed
from watched import VLOGD


def main() -> None:
    """Print a row for each pair."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=48)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--chunks", type=int, nargs="+", default=[6, 12, 24, 48])
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    sys.stdout.write(
        f"{len(os.sched_getaffinity(0))} cores, {arguments.seconds} s of {arguments.height}p30\n"
    )
    with tempfile.TemporaryDirectory(prefix="vlogd-bench-") as folder:
        work = Path(folder)
        film = work / "film.mp4"
        make_source(film, arguments.seconds, arguments.height)
        results: dict[tuple[int, int], list[tuple[float, float, int]]] = {}
        for _ in range(arguments.rounds):
            for chunk in arguments.chunks:
                for slots in arguments.slots:
                    place = work / "home"
                    config = home(place, f"chunk_seconds: {chunk}, copy: never, skip_similar: false")
                    config.write_text(config.read_text() + f"slots: {{cpu: {slots}}}\n")
                    shutil.copy(film, place / "inbox")
                    wall, cpu = timed([*VLOGD, "--config", str(config), "run", "--once"])
                    results.setdefault((chunk, slots), []).append(
                        (wall, cpu, size_of(place / "library", "*.m4s"))
                    )
        for (chunk, slots), rows in results.items():
            wall, cpu, size = (statistics.median(column) for column in zip(*rows, strict=True))
            sys.stdout.write(
                f"chunks of {chunk:>3} s, {slots} at once: wall {wall:6.1f} s  CPU {cpu:6.1f} s  {size / 1e6:6.2f} MB\n"
            )


if __name__ == "__main__":
    main()
