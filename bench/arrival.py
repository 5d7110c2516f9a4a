#!/usr/bin/env python3
"""From the end of `cp` to the moment when a dropped file is taken: p50 and p99 for small and large files.

    .venv/bin/python bench/arrival.py [--drops 100] [--large-mebibytes 200]

Two kinds: MP4, which proves by its index that it is whole, and MPEG-TS, which has to hold still for
`settle_seconds` (5 by default). The daemon works on the files that it took meanwhile, as it does in use.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from common import home
from watched import VLOGD


def make_clip(path: Path, number: int, mebibytes: int) -> None:
    """A short clip with content of its own, of about this size."""
    seconds = 2 + number / 25
    rate = (
        ["-b:v", f"{mebibytes * 8 / seconds:.0f}M", "-maxrate", "1000M", "-bufsize", "1000M"]
        if mebibytes
        else []
    )
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"color=gray:s=320x180:r=25:d={seconds},noise=alls=90:allf=t",
         "-c:v", "mpeg2video" if mebibytes else "libx264", *rate, path],
        check=True,
    )  # fmt: skip
    if mebibytes:
        with path.open("ab") as file:  # what follows the last box, or the last packet, is skipped by players
            room = (mebibytes << 20) - file.tell()
            if room > 0 and path.suffix == ".mp4":
                file.write(room.to_bytes(4, "big") + b"free" + b"\1" * (room - 8))
            elif room > 0:
                file.write((b"\x47\x1f\xff\x10" + b"\xff" * 184) * (room // 188))


def latencies(folder: Path, suffix: str, drops: int, mebibytes: int) -> list[float]:
    """Seconds from the end of each copy to the file's leaving the inbox."""
    config = home(folder)
    config.write_text(config.read_text().replace("    settle_seconds: 1\n", "") + "slots: {cpu: 1}\n")
    daemon = subprocess.Popen([*VLOGD, "--config", config, "run"], stderr=subprocess.DEVNULL)
    waits = []
    try:
        time.sleep(3)
        for number in range(drops):
            clip = folder / f"clip{suffix}"
            make_clip(clip, number, mebibytes)
            target = folder / "inbox" / f"{number}{suffix}"
            shutil.copyfile(clip, target)
            began = time.monotonic()
            while target.exists():
                time.sleep(0.005)
            waits.append(time.monotonic() - began)
    finally:
        daemon.terminate()
        daemon.wait()
    return waits


def main() -> None:
    """Print a row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drops", type=int, default=100)
    parser.add_argument("--large-drops", type=int, default=10)
    parser.add_argument("--large-mebibytes", type=int, default=200)
    arguments = parser.parse_args()
    for suffix in (".mp4", ".ts"):
        for drops, mebibytes in ((arguments.drops, 0), (arguments.large_drops, arguments.large_mebibytes)):
            work = Path(tempfile.mkdtemp(prefix="vlogd-bench-"))
            seconds = latencies(work / "home", suffix, drops, mebibytes)
            p99 = statistics.quantiles(seconds, n=100)[98]
            size = f"{mebibytes} MiB" if mebibytes else "small"
            print(
                f"{suffix:<5} {size:>8} {drops:>4} drops  p50 {statistics.median(seconds):.2f} s  p99 {p99:.2f} s",
                flush=True,
            )
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
