"""The same bytes on every processor: instruction sets are switched off, as if the machine were an older one."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from clips import ffmpeg as make

from vlogd.core import digest
from vlogd.media import encoders, ffmpeg
from vlogd.media.ffprobe import VideoStream, describe
from vlogd.media.process import Limits
from vlogd.stages.hls import filter_graph
from vlogd.stages.hls.ladder import HlsSettings, renditions

_LEVELS = {
    "none": "0",
    "sse2": "mmx+mmxext+sse+sse2",
    "avx2": "mmx+mmxext+sse+sse2+sse3+ssse3+sse4.1+sse4.2+avx+fma3+avx2+bmi1+bmi2",
}
"""What ffmpeg's own code may use (ffmpeg(1), `cpuflags`)."""

_X264_LEVELS = ("0", "avx2", "auto")
"""For x264, which finds out by itself what the processor has: what its option `asm` limits it to."""

_HERE = next(
    (line.split() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), []
)
_HAS_LEVELS = {"avx2", "fma", "sse4_2"} <= set(_HERE)

pytestmark = pytest.mark.skipif(
    not _HAS_LEVELS,
    reason="a processor with fewer instruction sets (x86-64-v2, ARM) cannot emulate the levels",
)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip in which every pixel differs from its neighbours, so that rounding shows, and sound at another rate."""
    path = tmp_path_factory.mktemp("levels") / "noisy.mkv"
    make(
        "-f", "lavfi", "-i", "testsrc2=size=960x540:rate=25:duration=0.6,noise=alls=30:allf=t:all_seed=1",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=0.6",
        "-pix_fmt", "yuv420p", "-c:v", "ffv1", "-c:a", "pcm_s16le", path,
    )  # fmt: skip
    return path


def made(outputs: Sequence[ffmpeg.Stream], paths: Sequence[Path], level: str = "") -> list[str]:
    """The digests of the files that ffmpeg makes with the instruction sets of a level; all of them for ""."""
    options = ("-cpuflags", _LEVELS[level]) if level else ()
    ffmpeg.run(outputs, limits=Limits(), global_options=options)
    return [digest.of_bytes(path.read_bytes()) for path in paths]


def scaled_frames(clip: Path, folder: Path, level: str = "", **changed: Any) -> list[str]:
    """The digests of all frames of each rendition, before they are encoded."""
    config, video = HlsSettings(), describe(clip, Limits()).video
    assert isinstance(video, VideoStream)
    ladder = renditions(video.shown_size(), config)
    assert len(ladder) > 1
    stream = filter_graph.frames(ffmpeg.source(clip), video, None, None, 0, 1)
    encoder = encoders.Encoder("libx264", "h264", encoders.SOFTWARE)
    paths = [folder / f"{rendition.name}.yuv" for rendition in ladder]
    branches = filter_graph.scaled(stream, video, ladder)
    outputs = [
        ffmpeg.output(encoder.prepared(branch), path, f="rawvideo", **changed)
        for branch, path in zip(branches, paths, strict=True)
    ]
    return made(outputs, paths, level)


def test_scaled_pictures_are_the_same_at_every_level(noisy: Path, tmp_path: Path) -> None:
    """Without accurate_rnd the C code rounds otherwise than MMX and later."""
    expected = scaled_frames(noisy, tmp_path)
    assert {level: scaled_frames(noisy, tmp_path, level) for level in _LEVELS} == dict.fromkeys(
        _LEVELS, expected
    )


def test_h264_is_the_same_at_every_level(noisy: Path, tmp_path: Path) -> None:
    """Unless told to be, x264 isn't: three results for SSE2, AVX2 and AVX-512."""
    encoder, path = encoders.Encoder("libx264", "h264", encoders.SOFTWARE), tmp_path / "video.mp4"
    options = encoder.options(23, 1000, "veryfast", Fraction(25))

    def encoded(asm: str) -> list[str]:
        parameters = f"asm={asm}:{options['x264-params']}"
        limited = {**options, "x264-params": parameters, "flags:v": "+bitexact", "fflags": "+bitexact"}
        frames = encoder.prepared(ffmpeg.source(noisy)["v:0"])
        return made([ffmpeg.output(frames, path, **limited)], [path])

    results = {level: encoded(level) for level in _X264_LEVELS}
    assert results == dict.fromkeys(_X264_LEVELS, results["auto"])


def test_aac_is_the_same_at_one_level(noisy: Path, tmp_path: Path) -> None:
    """On machines with AVX2 and FMA. Older ones resample in another order of floating-point additions (decision 31)."""
    path = tmp_path / "sound.mp4"

    def encoded(level: str) -> list[str]:
        sound = ffmpeg.source(noisy)["a:0"].filter("aresample", 48_000)
        options = {"c:a": "aac", "b:a": "128k", "flags:a": "+bitexact", "fflags": "+bitexact"}
        return made([ffmpeg.output(sound, path, **options)], [path], level)

    assert encoded("avx2") == encoded("")
