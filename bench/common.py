"""What the benchmarks of encoding share: sources, the same ladder by ffmpeg alone, homes, measuring."""

import re
import resource
import shutil
import subprocess
import time
from pathlib import Path

from watched import VLOGD

from vlogd.stages.hls.ladder import HlsSettings, Rendition, renditions

SOURCES = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-g", "60", "-pix_fmt", "yuv420p"],
    "hevc10": ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "22", "-pix_fmt", "yuv420p10le", "-x265-params",
               "log-level=error:keyint=60", "-tag:v", "hvc1"],
    "standard": ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-maxrate", "4500k", "-bufsize", "6M", "-g", "60",
                 "-keyint_min", "60", "-sc_threshold", "0", "-pix_fmt", "yuv420p"],
}  # fmt: skip
"""Kinds of source: what a camera leaves, 10-bit HEVC, and one that may be published as it is."""


def make_source(path: Path, seconds: int, height: int, kind: str = "h264") -> None:
    """Detail, motion, noise and a pan: harder than a test card, easier than confetti."""
    width = height * 16 // 9
    graph = (
        f"mandelbrot=s={width}x{height}:r=30:end_scale=0.02[a];testsrc2=s={width}x{height}:r=30[b];"
        "[a][b]blend=all_mode=average,noise=alls=6:allf=t,format=yuv420p[v]"
    )
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-filter_complex", graph, "-f", "lavfi", "-i", "sine=f=300:r=48000", "-map", "[v]",
         "-map", "0:a", "-t", str(seconds), *SOURCES[kind], "-c:a", "aac", "-movflags", "+faststart", path],
        check=True,
    )  # fmt: skip


def ladder(height: int) -> tuple[Rendition, ...]:
    """The renditions that vlogd makes of a 16:9 source."""
    return renditions((height * 16 // 9, height), HlsSettings())


def separate_commands(source: Path, target: Path, height: int) -> list[list[str]]:
    """The same renditions by one ffmpeg after the other, as many scripts do it."""
    config = HlsSettings()
    rate = str(30 * config.gop_seconds)
    commands = []
    for number, size in enumerate(ladder(height)):
        folder = target / size.name
        folder.mkdir(parents=True, exist_ok=True)
        commands.append([
            "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(source), "-map", "0:v", *(["-map", "0:a"] if not number else []),
            "-vf", f"scale={size.width}:{size.height}:flags=bicubic,setsar=1,format=yuv420p", "-c:v", "libx264", "-preset",
            config.preset, "-crf", str(config.crf), "-profile:v", "high", "-maxrate", f"{size.max_kbps}k", "-bufsize",
            f"{2 * size.max_kbps}k", "-g", rate, "-keyint_min", rate, "-sc_threshold", "0", "-c:a", "aac", "-b:a",
            f"{config.audio_kbps}k", "-f", "hls", "-hls_time", str(config.segment_seconds), "-hls_playlist_type", "vod",
            "-hls_segment_type", "fmp4", "-hls_segment_filename", f"{folder}/%05d.m4s", f"{folder}/index.m3u8",
        ])  # fmt: skip
    return commands


def bare_command(source: Path, target: Path, height: int) -> list[str]:
    """The same renditions by one ffmpeg, packaged by its own HLS muxer."""
    config = HlsSettings()
    sizes = ladder(height)
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


def home(folder: Path, hls: str = "") -> Path:
    """A fresh home that makes no captions, as the bare commands make none: its speech model does not exist."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([*VLOGD, "init", folder], check=True, stdout=subprocess.DEVNULL)
    config = folder / "vlogd.yaml"
    config.write_text(
        config.read_text()
        + "    settle_seconds: 1\nstages: {captions: {model: /nonexistent/model}"
        + (f", hls: {{{hls}}}" if hls else "")
        + "}\n"
    )
    return config


def size_of(folder: Path, pattern: str) -> int:
    """Bytes of the files that match."""
    return sum(path.stat().st_size for path in folder.rglob(pattern))


def ssim(playlist: Path, source: Path) -> float:
    """SSIM of the luma against the source, over the whole length."""
    report = subprocess.run(
        ["ffmpeg", "-nostdin", "-i", playlist, "-i", source, "-lavfi",
         "[0:v]setpts=PTS-STARTPTS[a];[1:v]setpts=PTS-STARTPTS[b];[a][b]ssim", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    return float(re.findall(r"SSIM Y:([\d.]+)", report)[-1])
