#!/usr/bin/env python3
"""vlogd against a bare one-command ffmpeg that makes the same ladder, in turns, as ratios.

    .venv/bin/python bench/ladder.py [--seconds 60] [--rounds 3] [--height 1080]

Both encode the same pictures with the same encoder settings: one decode, the same renditions, CRF,
caps and key frame distance. The bare command uses x264's automatic threads, as people would. It also
measures when the video could be played, the daemon's own memory, and its CPU when idle.
"""

import argparse
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from vlogd.stages.hls.ladder import HlsSettings, renditions

VLOGD = [sys.executable, "-m", "vlogd"]


def make_source(path: Path, seconds: int, height: int) -> None:
    """Detail, motion, noise and a pan: harder than a test card, easier than confetti."""
    width = height * 16 // 9
    graph = (
        f"mandelbrot=s={width}x{height}:r=30:end_scale=0.02[a];testsrc2=s={width}x{height}:r=30[b];"
        "[a][b]blend=all_mode=average,noise=alls=6:allf=t,format=yuv420p[v]"
    )
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-filter_complex", graph, "-f", "lavfi", "-i", "sine=f=300:r=48000", "-map", "[v]",
         "-map", "0:a", "-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-g", "60", "-c:a",
         "aac", "-movflags", "+faststart", path],
        check=True,
    )  # fmt: skip


def bare_command(source: Path, target: Path, height: int) -> list[str]:
    """The same renditions by one ffmpeg, packaged by its own HLS muxer."""
    config = HlsSettings()
    sizes = renditions((height * 16 // 9, height), config)
    split = "".join(f"[s{n}]" for n in range(len(sizes)))
    graph = f"[0:v]split={len(sizes)}{split};" + ";".join(
        f"[s{n}]scale={size.width}:{size.height}:flags=bicubic,setsar=1,format=yuv420p[v{n}]"
        for n, size in enumerate(sizes)
    )
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(source), "-filter_complex", graph]
    for n, size in enumerate(sizes):
        command += ["-map", f"[v{n}]", f"-c:v:{n}", "libx264", f"-maxrate:v:{n}", f"{size.max_kbps}k", f"-bufsize:v:{n}",
                    f"{2 * size.max_kbps}k"]  # fmt: skip
    rate = 30 * config.gop_seconds
    streams = " ".join(f"v:{n},agroup:a" for n in range(len(sizes))) + " a:0,agroup:a"
    return [
        *command, "-preset", config.preset, "-crf", str(config.crf), "-profile:v", "high", "-g", str(rate),
        "-keyint_min", str(rate), "-sc_threshold", "0", "-map", "0:a", "-c:a", "aac", "-b:a", f"{config.audio_kbps}k",
        "-ac", "2", "-f", "hls", "-hls_time", str(config.segment_seconds), "-hls_playlist_type", "vod",
        "-hls_segment_type", "fmp4", "-master_pl_name", "master.m3u8", "-var_stream_map", streams,
        "-hls_segment_filename", f"{target}/%v/%05d.m4s", f"{target}/%v/index.m3u8",
    ]  # fmt: skip


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command with all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Watch(threading.Thread):
    """Polls for the first moment at which the video is playable, and the daemon's own peak memory."""

    def __init__(self, library: Path) -> None:
        super().__init__(daemon=True)
        self._library, self._began, self._over = library, time.monotonic(), threading.Event()
        self.playable_seconds = 0.0

    def run(self) -> None:
        """Until told to stop."""
        while not self._over.wait(0.05):
            if not self.playable_seconds and list(self._library.glob("videos/*/master.m3u8")):
                self.playable_seconds = time.monotonic() - self._began

    def stop(self) -> None:
        """Stop."""
        self._over.set()
        self.join()


def home(folder: Path) -> Path:
    """A fresh home without captions' cost: the bare command listens to nobody either."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*VLOGD, "init", folder], check=True, stdout=subprocess.DEVNULL)
    config = folder / "vlogd.yaml"
    config.write_text(
        config.read_text() + "    settle_seconds: 1\nstages: {captions: {model: /nonexistent/model}}\n"
    )
    return config


def size_of(folder: Path, pattern: str) -> int:
    """Bytes of the files that match."""
    return sum(path.stat().st_size for path in folder.rglob(pattern))


def ssim(playlist: Path, source: Path) -> float:
    """SSIM of the luma against the source, over the whole length."""
    said = subprocess.run(
        ["ffmpeg", "-nostdin", "-i", playlist, "-i", source, "-lavfi",
         "[0:v]setpts=PTS-STARTPTS[a];[1:v]setpts=PTS-STARTPTS[b];[a][b]ssim", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    return float(re.findall(r"SSIM Y:([\d.]+)", said)[-1])


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


def cpu_seconds(pid: int) -> float:
    """User and system time of one process (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes(pid: int) -> float:
    """Peak resident memory of one process, without its children."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


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
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="vlogd-bench-"))
    source = work / "source.mp4"
    make_source(source, asked.seconds, asked.height)
    ours: list[dict[str, float]] = []
    bare: list[tuple[float, float]] = []
    for number in range(asked.rounds):
        ours.append(run_vlogd(work / "home", source))
        shutil.rmtree(work / "bare", ignore_errors=True)
        bare.append(timed(bare_command(source, work / "bare", asked.height)))
        print(
            f"round {number + 1}: vlogd {ours[-1]}, bare wall {bare[-1][0]:.1f} cpu {bare[-1][1]:.1f}",
            flush=True,
        )
    top = next((work / "home/library").glob(f"videos/*/hls-*/v{asked.height}/index.m3u8"))
    share, memory = idle(work / "home", 30)
    ratios = {
        "wall": [mine["wall"] / theirs[0] for mine, theirs in zip(ours, bare, strict=True)],
        "cpu": [mine["cpu"] / theirs[1] for mine, theirs in zip(ours, bare, strict=True)],
        "bytes": [mine["bytes"] / size_of(work / "bare", "*.m4s") for mine in ours],
        "playable / length": [mine["playable"] / asked.seconds for mine in ours],
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
