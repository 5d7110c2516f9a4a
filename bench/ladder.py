#!/usr/bin/env python3
"""vlogd against ffmpeg making the same ladder, in turns, as ratios.

    .venv/bin/python bench/ladder.py [--seconds 60] [--rounds 3] [--height 1080] [--source h264|hevc10|standard]

(b) is one bare ffmpeg with one decode, (a) one ffmpeg for each rendition, one after the other. All encode the
same frames with the same encoder settings: renditions, CRF, caps and key frame distance; (a) and (b) use
x264's automatic threads, as people would. Also measured: when the video could be played, the daemon's own
memory, and its CPU when idle.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from common import (
    SOURCES,
    bare_command,
    home,
    make_source,
    separate_commands,
    size_of,
    ssim,
    timed,
)
from watched import VLOGD, cpu_seconds, peak_mebibytes


class Watch(threading.Thread):
    """Polls for the first moment at which the video is playable, and the daemon's own peak memory."""

    def __init__(self, library: Path) -> None:
        super().__init__(daemon=True)
        self._library, self._began, self._over = library, time.monotonic(), threading.Event()
        self.playable_seconds = 0.0

    def run(self) -> None:
        """Poll until `stop` is called."""
        while not self._over.wait(0.05):
            if not self.playable_seconds and list(self._library.glob("videos/*/master.m3u8")):
                self.playable_seconds = time.monotonic() - self._began

    def stop(self) -> None:
        """End the polling."""
        self._over.set()
        self.join()


def idle(folder: Path, seconds: int) -> tuple[float, float]:
    """CPU share and resident memory (MiB) of a daemon with nothing to do."""
    daemon = subprocess.Popen([*VLOGD, "--config", folder / "vlogd.yaml", "run"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(5)
        before = cpu_seconds(daemon.pid)
        time.sleep(seconds)
        return (cpu_seconds(daemon.pid) - before) / seconds, peak_mebibytes(daemon.pid)
    finally:
        daemon.terminate()
        daemon.wait()


def run_vlogd(folder: Path, source: Path) -> dict[str, float]:
    """One `run --once`; wall from the drop to the end, without the settling second."""
    config = home(folder)
    shutil.copy(source, folder / "inbox" / "film.mp4")
    watch = Watch(folder / "library")
    watch.start()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    daemon = subprocess.Popen([*VLOGD, "--config", config, "run", "--once"], stderr=subprocess.DEVNULL)
    peak = 0.0
    while daemon.poll() is None:
        try:
            peak = max(peak, peak_mebibytes(daemon.pid))
        except OSError:
            break
        time.sleep(0.1)
    daemon.wait()
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch.stop()
    return {
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "bytes": size_of(folder / "library", "*.m4s"),
        "playable": watch.playable_seconds,
        "memory": peak,
    }


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--source", choices=SOURCES, default="h264")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="vlogd-bench-"))
    source = work / "source.mp4"
    make_source(source, arguments.seconds, arguments.height, arguments.source)
    ours: list[dict[str, float]] = []
    bare: list[tuple[float, float]] = []
    apart: list[tuple[float, float]] = []
    for number in range(arguments.rounds):
        ours.append(run_vlogd(work / "home", source))
        shutil.rmtree(work / "bare", ignore_errors=True)
        bare.append(timed(bare_command(source, work / "bare", arguments.height)))
        pairs = [timed(command) for command in separate_commands(source, work / "apart", arguments.height)]
        apart.append((sum(wall for wall, _ in pairs), sum(cpu for _, cpu in pairs)))
        print(f"round {number + 1}: vlogd {ours[-1]}, (b) wall {bare[-1][0]:.1f} cpu {bare[-1][1]:.1f}, "
              f"(a) wall {apart[-1][0]:.1f} cpu {apart[-1][1]:.1f}", flush=True)  # fmt: skip
    top = next((work / "home/library").glob(f"videos/*/hls-*/v{arguments.height}*/index.m3u8"))
    share, memory = idle(work / "home", 30)
    ratios = {
        "wall / (b)": [mine["wall"] / theirs[0] for mine, theirs in zip(ours, bare, strict=True)],
        "cpu / (b)": [mine["cpu"] / theirs[1] for mine, theirs in zip(ours, bare, strict=True)],
        "wall / (a)": [mine["wall"] / theirs[0] for mine, theirs in zip(ours, apart, strict=True)],
        "cpu / (a)": [mine["cpu"] / theirs[1] for mine, theirs in zip(ours, apart, strict=True)],
        "bytes / (b)": [mine["bytes"] / size_of(work / "bare", "*.m4s") for mine in ours],
        "playable / length": [mine["playable"] / arguments.seconds for mine in ours],
    }
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[0]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {version[:30]}")
    for name, values in ratios.items():
        print(
            f"{name:<20} min {min(values):.3f}  median {statistics.median(values):.3f}  max {max(values):.3f}"
        )
    print(
        f"SSIM top rendition   vlogd {ssim(top, source):.5f}  bare {ssim(work / 'bare/0/index.m3u8', source):.5f}"
    )
    print(
        f"daemon peak memory   {max(mine['memory'] for mine in ours):.1f} MiB working, {memory:.1f} MiB idle"
    )
    print(f"daemon idle CPU      {share * 100:.3f} %")
    print(json.dumps(ratios))
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
