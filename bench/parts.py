#!/usr/bin/env python3
"""What a finished part and a publishing cost the daemon itself, and how both grow with the length of a film.

    .venv/bin/python bench/parts.py [--parts 100 400] [--long-seconds 9000]

A part is an ffmpeg of a tenth of a second on a tiny picture, so that the daemon's own work shows. Each film is made
twice: once undisturbed, for the daemon's CPU seconds and for how often its deciding thread is woken, and once under
strace, for its calls on the library. Then one small artifact of a long film (an `artifact.json` as large as
three hours have) is made anew, to see what is read for each new `video.json`.
"""

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from traces import Call, calls, has_strace, strace
from watched import Daemon, cpu_seconds, drop, make_clip, make_home, poll, wake_ups

_STATS = {"newfstatat", "statx", "access", "faccessat2"}
_READS = {"read", "pread64"}
_RENAMES = {"rename", "renameat", "renameat2"}


@dataclass
class Work:
    """The daemon's calls on the library in a stretch of time."""

    parts: int = 0
    documents: int = 0
    listings: int = 0
    names: int = 0
    stats: int = 0
    opens: int = 0
    bytes_read: Counter[str] = field(default_factory=Counter)

    def add(self, call: Call) -> None:
        """Count one call."""
        if call.name in _RENAMES and call.result == 0:
            self.parts += _is_receipt(call.path)
            self.documents += call.path.name == "video.json"
        elif call.name == "getdents64":
            self.listings += call.result == 0  # the end of a listing
            self.names += call.entries
        elif call.name in _STATS:
            self.stats += call.by_name
        elif call.name == "openat":
            self.opens += "O_DIRECTORY" not in call.arguments and "O_CREAT" not in call.arguments
        elif call.name in _READS and call.result > 0:
            self.bytes_read[_kind(call.path)] += call.result

    def each(self, number: int) -> str:
        """The counts divided by so many parts or documents."""
        read = sum(self.bytes_read.values())
        return (
            f"{self.listings / number:.1f} listings of {self.names / number:.0f} names, {self.stats / number:.1f} stats, "
            f"{self.opens / number:.1f} opens, {read / number / 1024:.1f} KiB read"
        )


def _is_receipt(path: Path) -> bool:
    """In the workshop, or, before 0.2, in `parts` inside the step's folder."""
    return path.suffix == ".json" and (path.parent.name == "parts" or ".workshop" in path.parts)


def _kind(path: Path) -> str:
    """How a file's bytes are counted: JSON files by their names, others by their suffix."""
    if _is_receipt(path):
        return "receipts"
    return path.name if path.suffix == ".json" else path.suffix or path.name


def split(traced: Iterable[Call]) -> tuple[Work, Work]:
    """The work until the stream is finished (its `artifact.json` appears), and the work after that."""
    making, finishing = Work(), Work()
    work = making
    for call in traced:
        work.add(call)
        if (
            call.name in _RENAMES
            and call.path.name == "artifact.json"
            and call.path.parent.name.startswith("hls-")
        ):
            work = finishing
    return making, finishing


def film_settings(chunk_seconds: int) -> str:
    """Segments of a second, so that a short film has as many of them as a long one."""
    return (
        f"copy: never, preset: ultrafast, segment_seconds: 1, gop_seconds: 1, chunk_seconds: {chunk_seconds}, "
        "ladder: [{height: 72, max_kbps: 100}]"
    )


def undisturbed(home: Path, film: Path, parts: int) -> str:
    """Make the film; the daemon's own CPU and wake-ups for each part, until the stream is finished."""
    with Daemon(make_home(home, film_settings(1))) as daemon:
        daemon.wait_until_quiet()
        cpu, woken, began = cpu_seconds(daemon.pid), wake_ups(daemon.pid), time.monotonic()
        drop(film, home, "film.mp4")
        poll(lambda: list((home / "library/videos").glob("film-*/hls-*/artifact.json")), 3600, 0.1)
        cpu, woken = cpu_seconds(daemon.pid) - cpu, wake_ups(daemon.pid) - woken
        wall = time.monotonic() - began
    return (
        f"{1000 * cpu / parts:.1f} ms of the daemon's own CPU and {woken / parts:.1f} wake-ups of its deciding thread "
        f"a part, {wall:.0f} s wall"
    )


def under_strace(home: Path, film: Path, trace: Path, chunk_seconds: int) -> tuple[Work, Work]:
    """Make the film; the daemon's calls on the library, before and after the stream is finished."""
    with Daemon(make_home(home, film_settings(chunk_seconds)), strace(trace)) as daemon:
        drop(film, home, "film.mp4")
        daemon.wait_until_ready("film")
        daemon.wait_until_quiet()
    return split(calls(trace, home / "library"))


def small_change(home: Path, trace: Path) -> tuple[Work, int]:
    """Take a finished film's poster away and have it made anew; the calls, and the size of the stream's `artifact.json`."""
    (folder,) = (home / "library/videos").glob("film-*")
    (artifact,) = folder.glob("hls-*/artifact.json")
    (poster,) = folder.glob("poster-*")
    shutil.rmtree(poster)
    with Daemon(home / "vlogd.yaml", strace(trace)) as daemon:
        poll((poster / "artifact.json").exists, 600)
        daemon.wait_until_quiet()
    work = Work()
    for call in calls(trace, home / "library"):
        work.add(call)
    return work, artifact.stat().st_size


def measure_parts(work: Path, parts: int) -> None:
    """Print what a part costs in a film of so many."""
    film = work / "film.mp4"
    make_clip(film, parts, "128x72", 10)
    print(f"{parts:>5} parts: {undisturbed(work / 'home', film, parts)}", flush=True)
    making, finishing = under_strace(work / "home", film, work / "trace", 1)
    print(f"{parts:>5} parts: for each of {making.parts} receipts {making.each(making.parts)}")
    print(f"{parts:>5} parts: {making.documents} new video.json while the stream was made, {finishing.documents} after it, "
          f"with {finishing.each(max(1, finishing.documents))} for each of the latter", flush=True)  # fmt: skip


def measure_publishing(work: Path, seconds: int) -> None:
    """Print what is read for each new `video.json` of a film that long."""
    film = work / "film.mp4"
    make_clip(film, seconds, "128x72", 5)
    making, finishing = under_strace(work / "home", film, work / "trace", 60)
    change, size = small_change(work / "home", work / "trace")
    print(f"{seconds:>5} segments, artifact.json of {size / 1024:.0f} KiB:")
    for name, stretch in (
        ("stream growing", making),
        ("stream finished", finishing),
        ("poster remade", change),
    ):
        number = max(1, stretch.documents)
        kinds = ", ".join(
            f"{kind} {count / number / 1024:.0f}" for kind, count in stretch.bytes_read.most_common(5)
        )
        print(f"      {name:<16} {stretch.documents:>4} new video.json; KiB read for each: "
              f"{sum(stretch.bytes_read.values()) / number / 1024:.0f} ({kinds})", flush=True)  # fmt: skip


def main() -> None:
    """Measure each length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, nargs="*", default=[100, 400])
    parser.add_argument("--long-seconds", type=int, default=9000, help="0 leaves the long film out")
    arguments = parser.parse_args()
    if not has_strace():
        parser.error("strace is missing, or may not trace here")
    with tempfile.TemporaryDirectory(prefix="vlogd-bench-") as folder:
        for parts in arguments.parts:
            measure_parts(Path(folder), parts)
        if arguments.long_seconds:
            measure_publishing(Path(folder), arguments.long_seconds)


if __name__ == "__main__":
    main()
