"""An encode takes no more memory than was reserved for it, and not much less: measured."""

import os
import subprocess
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


def peak_bytes(command: list[str]) -> int:
    """The peak resident memory of a program; never less than that of this process (getrusage(2))."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return used.ru_maxrss << 10


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
