"""An encode takes no more memory than was reserved for it, and not much less: measured."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from clips import ffmpeg as make

from vlogd.media import ffmpeg, memory
from vlogd.media.encoders import SOFTWARE, Encoder
from vlogd.media.ffprobe import describe
from vlogd.media.process import Limits
from vlogd.stages.hls import filter_graph
from vlogd.stages.hls.ladder import HlsSettings, renditions

_FRAMES = 24
"""More than x264 looks ahead at the default preset (10), and than a decoder holds."""


_MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(used.ru_maxrss)
sys.exit(child.returncode)
"""
"""Run by a small process: what the kernel says is never less than its parent has (getrusage(2)), and a test's may have much."""


def peak_bytes(command: list[str]) -> int:
    """The peak resident memory of a program."""
    measure = [sys.executable, "-I", "-S", "-c", _MEASURE, *command]
    return int(subprocess.run(measure, check=True, capture_output=True, text=True).stdout) << 10


@pytest.mark.parametrize("size", ["1280x720", "1920x1080"])
def test_an_encode_stays_within_its_estimate(tmp_path: Path, size: str) -> None:
    """All renditions of a source from one decode, as a chunk is encoded."""
    clip, config = tmp_path / "clip.mp4", HlsSettings()
    make("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25", "-frames:v", str(_FRAMES),
         "-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-refs", "4", "-pix_fmt", "yuv420p", clip)  # fmt: skip
    video = describe(clip, Limits()).video
    assert video is not None
    ladder, encoder = renditions(video.shown_size(), config), Encoder("libx264", "h264", SOFTWARE)
    stream = filter_graph.frames(ffmpeg.source(clip), video, None, None, 0, 1)
    key_frames = filter_graph.key_frames_every(config.gop_seconds)
    outputs = [
        filter_graph.encoded(
            branch,
            tmp_path / f"{rendition.name}.mp4",
            rendition,
            encoder,
            config,
            Fraction(25),
            key_frames,
            0,
        )
        for branch, rendition in zip(filter_graph.scaled(stream, video, ladder), ladder, strict=True)
    ]
    estimate = memory.decoding(video) + sum(
        memory.encoding(each.width, each.height, each.codec, config.preset, ten_bit=False) for each in ladder
    )
    peak = peak_bytes(ffmpeg.command(outputs))
    assert peak < estimate
    assert estimate < 2 * peak
