"""thumbnail.jpg: the frame at `at_seconds`, or the best one near it; never a black one when another is near.

Candidates are taken at a few moments around the configured one, each by its own seek, because decoding everything
between them would cost a film's length. A file without an index and a length, such as raw H.264, cannot be sought in: its frames
are counted from the beginning. The first that is neither dark nor flat is taken; if all are, the brightest. An
audio-only file with a cover gets the cover.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vlogd.core.errors import ToolFailed
from vlogd.core.model import Part, View
from vlogd.core.settings import NonNegativeSeconds, PositiveInt, settings
from vlogd.media import ffmpeg, memory
from vlogd.media.ffprobe import VideoStream
from vlogd.stages import artifacts
from vlogd.stages.artifacts import Probed
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_NAME = "thumbnail.jpg"

_OFFSETS_SECONDS = (0.0, 2.0, -2.0, 5.0, 10.0, -4.0, 20.0, 40.0)
"""Where to look around the configured moment: first past a cut or a fade, then past an opening title."""

_DARK_LUMA = 24
"""Black is 16 in limited range (ITU-R BT.709); the mean of a night scene is above 24."""

_FLAT_LUMA = 12
"""A frame whose lightest and darkest tenths are closer than this shows nothing: a plain title card, a white flash."""

_LAST_FRAME_SECONDS = 0.1
"""So close to the end a seek may find no frame: a frame lasts up to a tenth of a second at ten frames a second."""

_ANALYSED_WIDTH = 160
"""Pixels. The mean of a frame does not depend on its size, the time that it takes does."""


@settings
class PosterSettings:
    """Where the poster is taken from, and how wide it may be."""

    at_seconds: NonNegativeSeconds = 5.0
    width_pixels: PositiveInt = 1280


@dataclass(frozen=True)
class PosterFacts:
    """The poster's file name; None for an audio-only file without a cover."""

    poster: str | None


def _parts(work: Work[PosterSettings]) -> Sequence[Part]:
    video = artifacts.read_probed(work.inputs["probe"]).media.video
    return (Part("poster", order=1, memory_bytes=_memory_bytes(video)),)


def _memory_bytes(video: VideoStream | None) -> int:
    if video is None:
        return memory.PROCESS_BYTES
    return memory.decoding(video) + (memory.tone_mapping(video.width, video.height) if video.hdr else 0)


def _run(_part: Part, ws: Workspace[PosterSettings]) -> PosterFacts:
    probed = artifacts.read_probed(ws.inputs["probe"])
    media = probed.media
    if media.video is not None:
        ws.deliver(_best_frame(ws, probed, media.video), _NAME)
        return PosterFacts(_NAME)
    if media.cover_index is None:
        return PosterFacts(None)
    cover = ws.scratch / _NAME
    _write_jpeg(ws, ffmpeg.source(ws.film)[str(media.cover_index)], cover)
    ws.deliver(cover, _NAME)
    return PosterFacts(_NAME)


def _best_frame(ws: Workspace[PosterSettings], probed: Probed, video: VideoStream) -> Path:
    """The file with the frame that is taken. Raises ToolFailed when none can be decoded."""
    best: tuple[float, Path] | None = None
    for number, moment in enumerate(_moments(probed, video, ws.settings.at_seconds)):
        path = ws.scratch / f"{number}.jpg"
        luma, spread = _luma(ws, video, moment)
        if luma is None:
            continue
        if best is None or luma > best[0]:
            _write_jpeg(ws, _sdr(_frame_at(ws, video, moment), video), path)
            best = (luma, path) if path.exists() else best
        if luma > _DARK_LUMA and spread > _FLAT_LUMA and best and best[1] == path:
            break
    if best is None:
        raise ToolFailed("No frame could be decoded for the poster.")
    return best[1]


@dataclass(frozen=True)
class _Moment:
    """A frame: the one at some `seconds`, or in a file that cannot be sought in, the one of a number."""

    seconds: float
    frame: int | None = None


def _moments(probed: Probed, video: VideoStream, at_seconds: float) -> list[_Moment]:
    """What to try, in turn."""
    duration_seconds = probed.media.duration_seconds
    if duration_seconds:
        return [_Moment(seconds) for seconds in _moment_seconds(duration_seconds, at_seconds)]
    rate = Fraction(video.frame_rate)
    near = _near_seconds(float(probed.frames / rate), at_seconds)
    return [_Moment(seconds, int(seconds * rate)) for seconds in dict.fromkeys([*near, 0.0])]


def _near_seconds(duration_seconds: float, at_seconds: float) -> list[float]:
    """The configured moment first, and those around it; the middle of a clip that is shorter than that."""
    start = at_seconds if duration_seconds > at_seconds + 1 else duration_seconds / 2
    end = max(duration_seconds - _LAST_FRAME_SECONDS, _LAST_FRAME_SECONDS / 2)
    return [start + offset for offset in _OFFSETS_SECONDS if 0 <= start + offset < end]


def _moment_seconds(duration_seconds: float, at_seconds: float) -> list[float]:
    near = _near_seconds(duration_seconds, at_seconds)
    return list(dict.fromkeys([*near, duration_seconds / 4, duration_seconds * 3 / 4, 0.0]))


def _luma(ws: Workspace[PosterSettings], video: VideoStream, moment: _Moment) -> tuple[float | None, float]:
    """Mean luma (0 to 255) and spread of the frame at `moment`; None when there is none."""
    report = ws.scratch / "stats.txt"
    report.unlink(missing_ok=True)
    stream = _frame_at(ws, video, moment).filter("scale", _ANALYSED_WIDTH, -2).filter("format", "yuv420p")
    stream = stream.filter("signalstats").filter("metadata", "print", file=str(report))
    ffmpeg.run(
        [ffmpeg.output(stream, Path("/dev/null"), f="null", **{"frames:v": 1})],
        limits=ws.limits,
        stop=ws.stop,
        writes=(ws.scratch,),
    )
    values = _signal_stats(report.read_text() if report.exists() else "")
    if "YAVG" not in values:
        return None, 0.0
    return values["YAVG"], values["YHIGH"] - values["YLOW"]


def _signal_stats(report: str) -> dict[str, float]:
    """What the filter signalstats reports of a frame: lines of `lavfi.signalstats.NAME=VALUE`."""
    pairs = [line.partition("signalstats.")[2].partition("=") for line in report.splitlines()]
    return {name: float(value) for name, _, value in pairs if value}


def _frame_at(ws: Workspace[PosterSettings], video: VideoStream, moment: _Moment) -> ffmpeg.Stream:
    if moment.frame is None:
        return ffmpeg.source(ws.film, ss=f"{moment.seconds:.3f}")[str(video.index)]
    return ffmpeg.source(ws.film)[str(video.index)].filter("trim", start_frame=moment.frame)


def _sdr(stream: ffmpeg.Stream, video: VideoStream) -> ffmpeg.Stream:
    """HDR to BT.709, as the stream's renditions have it (`hls/filter_graph.py` explains the filters)."""
    if not video.hdr:
        return stream
    stream = stream.filter("zscale", t="linear", npl=100).filter("format", "gbrpf32le")
    stream = stream.filter("zscale", p="bt709").filter("tonemap", tonemap="hable", desat=0)
    return stream.filter("zscale", t="bt709", m="bt709", r="tv")


def _write_jpeg(ws: Workspace[PosterSettings], stream: ffmpeg.Stream, target: Path) -> None:
    """One frame as a JPEG with square pixels and even sides, no wider than configured."""
    width = f"min({ws.settings.width_pixels},iw*sar)"
    stream = stream.filter("scale", f"trunc({width}/2+0.5)*2", f"trunc(ih*{width}/(iw*sar)/2+0.5)*2")
    stream = stream.filter("setsar", "1").filter("format", "yuvj420p")  # JPEG has full range
    options = {
        "f": "image2",
        # One file of that very name, not a numbered sequence.
        "update": 1,
        "frames:v": 1,
        "c:v": "mjpeg",
        # 2 is the best, 31 the worst; at 3 no artefacts can be seen.
        "q:v": 3,
        # Nothing of the source's metadata (a place, a device), no versions, and the same bytes each time.
        "map_metadata": -1,
        "fflags": "+bitexact",
        "flags:v": "+bitexact",
        "threads": 1,
    }
    ffmpeg.run([ffmpeg.output(stream, target, **options)], limits=ws.limits, stop=ws.stop)


def _view(work: Work[PosterSettings], _have: Set[str]) -> View:
    if not work.complete or work.facts("poster", PosterFacts).poster is None:
        return View(facts={"poster": None})
    return View(names={_NAME: _NAME}, facts={"poster": _NAME})


STAGE = Stage(
    name="poster",
    version=1,
    needs=("source", "probe"),
    settings=PosterSettings,
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
)
