#!/usr/bin/env python3
"""What published videos cost that did not change: at a start, at the periodic look, and for a drop meanwhile.

    .venv/bin/python bench/known.py [--videos 1000 3000] [--segments 5] [--syscalls]

Measures the daemon's own CPU seconds and the lines of its log, above those of a home with one video. The first start
has no journal yet, the second knows all videos. A look is the CPU of a whole period between
two looks. A clip is dropped when the daemon is idle and another one when a look begins; both are measured from the rename into the inbox to the master playlist, and include the
second for which a file settles. `--syscalls` counts the daemon's system calls during one more look (needs strace, and
few enough videos that the look ends before the next one is due).
"""

import argparse
import re
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from clones import Template
from watched import Daemon, cpu_seconds, drop, make_clip, make_home

_SEGMENT_SECONDS = 6
_IDLE_DROPS = 3


@dataclass(frozen=True)
class Cost:
    """Of a start or a look: CPU and wall seconds, lines logged, and those of them that name a known video."""

    cpu_seconds: float
    wall_seconds: float
    lines: int
    lines_of_videos: int

    def row(self, name: str, videos: int, base: "Cost | None" = None) -> str:
        """One line of the report."""
        over = self.cpu_seconds - (base.cpu_seconds if base else 0.0)
        return (
            f"{videos:>6} videos  {name:<12} {self.cpu_seconds:7.2f} s CPU  {1000 * over / videos:6.2f} ms a video  "
            f"{self.wall_seconds:6.1f} s wall  {self.lines:>6} lines, {self.lines_of_videos:>6} of known videos"
        )


def start(daemon: Daemon) -> Cost:
    """What it cost a daemon to do all that there was to do at its start."""
    cpu, quiet_at = daemon.wait_until_quiet()
    return _cost(daemon.log_lines(), cpu, quiet_at - daemon.started_at)


def _cost(lines: list[str], cpu: float, wall: float) -> Cost:
    return Cost(cpu, wall, len(lines), sum("=known-" in line for line in lines))


def look(daemon: Daemon, between_seconds: float) -> Cost:
    """What a whole period between two looks cost: one look is in it, wherever it begins, and next to nothing else."""
    lines, cpu = len(daemon.log_lines()), cpu_seconds(daemon.pid)
    time.sleep(between_seconds)
    return _cost(daemon.log_lines()[lines:], cpu_seconds(daemon.pid) - cpu, between_seconds)


def playable_seconds(daemon: Daemon, home: Path, clip: Path, name: str) -> float:
    """From the drop of a clip to its master playlist."""
    dropped_at = drop(clip, home, f"{name}.mp4")
    return daemon.wait_until_playable(name) - dropped_at


def syscalls(daemon: Daemon, between_seconds: float) -> dict[str, int]:
    """The daemon's system calls during one look, by name."""
    with tempfile.NamedTemporaryFile("r", prefix="vlogd-strace-") as counts:
        command = ["strace", "-f", "-c", "-o", counts.name, "-p", str(daemon.pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        look(daemon, between_seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        rows = re.findall(
            r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", counts.read(), re.MULTILINE
        )
    return {name: int(number) for number, name in rows if name != "total"}


def publish_one(home: Path, clip: Path) -> None:
    """Make the video that the others are copies of."""
    with Daemon(home / "vlogd.yaml") as daemon:
        drop(clip, home, "known.mp4")
        daemon.wait_until_ready("known")


def measure(work: Path, videos: int, segments: int, *, count_syscalls: bool) -> None:
    """Print what so many known videos cost."""
    home = work / "home"
    config = make_home(home, "preset: ultrafast, copy: never")
    clips = [work / f"clip-{number}.mp4" for number in range(2 + _IDLE_DROPS)]
    for number, clip in enumerate(clips):
        make_clip(clip, segments * _SEGMENT_SECONDS if number == 0 else _SEGMENT_SECONDS, hue=50 * number)
    publish_one(home, clips[0])
    with Daemon(config) as daemon:
        base = start(daemon)
    print(base.row("start", 1), flush=True)
    template = Template(home)
    template.copy(videos)
    print(f"{videos:>6} videos of {template.files} files each", flush=True)
    with Daemon(config) as daemon:
        first = start(daemon)
    print(first.row("first start", videos, base), flush=True)
    between = round(1.5 * first.wall_seconds + 15 + 8 * _IDLE_DROPS)
    config.write_text(config.read_text() + f"library_check_seconds: {between}\n")
    with Daemon(config) as daemon:
        print(start(daemon).row("start", videos, base), flush=True)
        measure_looks(daemon, home, clips[1:], videos, between)
        if count_syscalls:
            counts = syscalls(daemon, between)
            most = sorted(counts.items(), key=lambda pair: -pair[1])[:8]
            print(f"{videos:>6} videos  {sum(counts.values()) / videos:.1f} system calls a video at a look: "
                  + ", ".join(f"{number / videos:.1f} {name}" for name, number in most), flush=True)  # fmt: skip


def measure_looks(daemon: Daemon, home: Path, clips: list[Path], videos: int, between: float) -> None:
    """Print what a look costs, and how long a drop takes beside one and without."""
    idle = []
    for number, clip in enumerate(clips[1:]):
        idle.append(playable_seconds(daemon, home, clip, f"idle{number}"))
        daemon.wait_until_quiet()
    print(look(daemon, between).row("look", videos), flush=True)
    daemon.wait_until_quiet()
    print(f"{videos:>6} videos  a drop is playable after {statistics.median(idle):.2f} s when idle (of {len(idle)}: "
          f"{min(idle):.2f} to {max(idle):.2f})", flush=True)  # fmt: skip
    try:
        daemon.wait_until_busy(1.5 * between)
    except TimeoutError:
        print(f"{videos:>6} videos  a look is too short for a drop to meet it", flush=True)
        return
    meanwhile = playable_seconds(daemon, home, clips[0], "meanwhile")
    print(f"{videos:>6} videos  a drop is playable after {meanwhile:.2f} s during a look", flush=True)
    daemon.wait_until_quiet()


def main() -> None:
    """Measure each number of videos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="+", default=[1000])
    parser.add_argument("--segments", type=int, default=5, help="segments of each video")
    parser.add_argument("--syscalls", action="store_true", help="slow: for a few hundred videos")
    arguments = parser.parse_args()
    for videos in arguments.videos:
        with tempfile.TemporaryDirectory(prefix="vlogd-bench-") as work:
            measure(Path(work), videos, arguments.segments, count_syscalls=arguments.syscalls)


if __name__ == "__main__":
    main()
