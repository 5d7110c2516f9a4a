"""thumbnail.jpg: the picture at `at_seconds`, or the best one near it, never a black one if another is near.

Candidates are taken at a few moments around the wanted one, each by its own seek (decoding between
them would cost a film's length). The first that is neither dark nor flat wins; if all are, the
brightest does. A sound with a cover gets the cover.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from vlogd.core.errors import ToolFailed
from vlogd.core.model import Part, View
from vlogd.core.settings import NonNegativeSeconds, PositiveInt, settings
from vlogd.media import ffmpeg
from vlogd.media.ffprobe import Media
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_NAME = "thumbnail.jpg"
_STEPS_SECONDS = (0.0, 2.0, -2.0, 5.0, 10.0, -4.0, 20.0, 40.0)
_DARK_LUMA = 24
"""Mean luma of limited-range black is 16; a night scene lies above 24."""
_FLAT_LUMA = 12
"""A picture whose lightest and darkest tenths differ by less shows nothing."""


@settings
class PosterSettings:
    """Where the poster is taken from, and how wide it may be."""

    at_seconds: NonNegativeSeconds = 5.0
    width_pixels: PositiveInt = 1280


@dataclass(frozen=True)
class PosterFacts:
    """The poster's file name; None for a sound without a cover."""

    poster: str | None


def _parts(_work: Work[PosterSettings]) -> Sequence[Part]:
    return (Part("poster", order=1),)


def _run(_part: Part, ws: Workspace[PosterSettings]) -> PosterFacts:
    media = artifacts.read_probed(ws.inputs["probe"]).media
    if media.video is None:
        if media.cover_index is None:
            return PosterFacts(None)
        _take(ws, media, None, ws.scratch / _NAME, media.cover_index)
        ws.deliver(ws.scratch / _NAME, _NAME)
        return PosterFacts(_NAME)
    best: tuple[float, Path] | None = None
    for number, moment in enumerate(_moments(media, ws.settings.at_seconds)):
        path = ws.scratch / f"{number}.jpg"
        luma, spread = _look(ws, media, moment)
        if luma is None:
            continue
        if best is None or luma > best[0]:
            _take(ws, media, moment, path, media.video.index)
            best = (luma, path) if path.exists() else best
        if luma > _DARK_LUMA and spread > _FLAT_LUMA and best and best[1] == path:
            break
    if best is None:
        raise ToolFailed("No picture could be decoded for the poster.")
    ws.deliver(best[1], _NAME)
    return PosterFacts(_NAME)


def _moments(media: Media, wanted: float) -> list[float]:
    """Seconds to try, the wanted one first; the middle of a clip that is shorter than that."""
    length = media.duration_seconds
    start = wanted if length > wanted + 1 else length / 2
    found = [start + step for step in _STEPS_SECONDS if 0 <= start + step < max(length - 0.1, 0.05)]
    return list(dict.fromkeys([*found, length / 4, length * 3 / 4, 0.0]))


def _look(ws: Workspace[PosterSettings], media: Media, moment: float) -> tuple[float | None, float]:
    """Mean luma (0 to 255) and spread of the picture at `moment`; None when there is none."""
    assert media.video is not None  # noqa: S101 - only films are looked at
    stats = ws.scratch / "stats.txt"
    stats.unlink(missing_ok=True)
    stream = _source(ws, moment)[str(media.video.index)].filter("scale", 160, -2).filter("format", "yuv420p")
    stream = stream.filter("signalstats").filter("metadata", "print", file=str(stats))
    ffmpeg.run(
        [ffmpeg.output(stream, Path("/dev/null"), f="null", **{"frames:v": 1})],
        limits=ws.limits,
        stop=ws.stop,
    )
    said = [line.partition("signalstats.")[2].strip() for line in _lines(stats) if "signalstats." in line]
    values = {name: value for name, _, value in (one.partition("=") for one in said)}
    if "YAVG" not in values:
        return None, 0.0
    return float(values["YAVG"]), float(values["YHIGH"]) - float(values["YLOW"])


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _source(ws: Workspace[PosterSettings], moment: float | None) -> ffmpeg.Stream:
    return ffmpeg.source(ws.film, **({} if moment is None else {"ss": f"{moment:.3f}"}))


def _take(
    ws: Workspace[PosterSettings], media: Media, moment: float | None, target: Path, index: int
) -> None:
    stream = _source(ws, moment)[str(index)]
    if media.video is not None and media.video.hdr:
        stream = stream.filter("zscale", t="linear", npl=100).filter("format", "gbrpf32le")
        stream = stream.filter("zscale", p="bt709").filter("tonemap", tonemap="hable", desat=0)
        stream = stream.filter("zscale", t="bt709", m="bt709", r="tv")
    widest = ws.settings.width_pixels
    stream = stream.filter(
        "scale", f"trunc(min({widest},iw*sar)/2+0.5)*2", f"trunc(ih*min({widest},iw*sar)/(iw*sar)/2+0.5)*2"
    )
    stream = stream.filter("setsar", "1").filter("format", "yuvj420p")
    options = {"f": "image2", "update": 1, "frames:v": 1, "q:v": 3, "map_metadata": -1, "fflags": "+bitexact",
               "flags:v": "+bitexact", "c:v": "mjpeg", "threads": 1}  # fmt: skip
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
