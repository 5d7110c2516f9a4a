"""Which renditions a source gets, and the settings that decide it.

A rung is judged by the short side of the picture as it is shown, so that a portrait clip gets the
same ladder as a landscape one. No rendition is larger than the source. A source that is clearly
taller than its highest rung (1920x800, 1333x1000) keeps its own size as the top rendition.

H.264 is always made, because everything plays it [1.12]; `codecs` adds the same sizes in others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vlogd.core.settings import Crf, NonNegativeInt, PositiveInt, settings
from vlogd.media.encoders import Codec, Family

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]

_WORTH_ITS_OWN = 1.10
"""How much taller than the highest rung a source must be to get a rendition of its own size."""

_SMALLER_BY = 0.9
"""A rendition that takes more of its larger neighbour's bytes than this helps nobody's connection."""

_OF_H264_BITS = {"h264": 1.0, "hevc": 0.65, "av1": 0.55}
"""Caps of the other codecs, as a share of H.264's at like quality."""


@settings
class Rung:
    """One step of the ladder: the short side in pixels and the most bits it may take."""

    height: PositiveInt
    max_kbps: PositiveInt


_LADDER = (
    Rung(height=2160, max_kbps=16000),
    Rung(height=1440, max_kbps=9000),
    Rung(height=1080, max_kbps=5000),
    Rung(height=720, max_kbps=2800),
    Rung(height=480, max_kbps=1400),
    Rung(height=360, max_kbps=800),
)


@settings
class HlsSettings:
    """How the stream is made. Segments and GOPs as Apple asks for [7.5, 1.13]."""

    ladder: tuple[Rung, ...] = _LADDER
    copy: Literal["auto", "never"] = "auto"
    codecs: tuple[Codec, ...] = ("h264",)
    encoder: Family = "software"
    crf: Crf = 23
    preset: Preset = "veryfast"
    skip_similar: bool = True
    keep_hdr: bool = False
    segment_seconds: PositiveInt = 6
    segment_format: Literal["fmp4", "ts"] = "fmp4"
    gop_seconds: PositiveInt = 2
    chunk_seconds: PositiveInt = 12
    audio_kbps: PositiveInt = 128
    surround_kbps: NonNegativeInt = 0
    max_frame_rate: NonNegativeInt = 60

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence when the ladder has no rung, or two that would have one name."""
        heights = [rung.height for rung in self.ladder]
        if not heights:
            raise ValueError("the ladder needs at least one rung")
        for height in heights:
            if heights.count(height) > 1:
                raise ValueError(f"the ladder has more than one rung of height {height}")


@dataclass(frozen=True)
class Rendition:
    """One picture size in one codec. `name` is its folder's name. `hdr`: the source's range is kept."""

    name: str
    width: int
    height: int
    max_kbps: int
    codec: Codec = "h264"
    hdr: bool = False


def renditions(shown: tuple[int, int], config: HlsSettings, *, hdr: bool = False) -> tuple[Rendition, ...]:
    """The renditions of a source that is shown at `shown` (width, height), the largest H.264 first.

    `hdr`: the source has a high dynamic range; with `keep_hdr` it gets one HEVC rendition that has it too.
    """
    plain = _sizes(shown, config)
    extra = [codec for codec in ("hevc", "av1") if codec in config.codecs and config.segment_format == "fmp4"]
    made = [*plain, *(_in_codec(one, codec) for codec in extra for one in plain)]
    if hdr and config.keep_hdr and config.segment_format == "fmp4":
        top = _in_codec(plain[0], "hevc")
        made.append(Rendition(f"{plain[0].name}-hdr", top.width, top.height, top.max_kbps, "hevc", hdr=True))
    return tuple(made)


def too_similar(made: Sequence[Rendition], sizes: Mapping[str, int]) -> list[str]:
    """Names of renditions to leave out, by the bytes that the first chunk took in each.

    Of each codec, from the largest picture on: one that does not save a tenth against the last one that
    was kept. A slide show needs no smaller pictures.
    """
    dropped = []
    last: dict[str, int] = {}
    for one in made:
        if one.hdr:
            continue
        if one.codec in last and sizes[one.name] > _SMALLER_BY * last[one.codec]:
            dropped.append(one.name)
        else:
            last[one.codec] = sizes[one.name]
    return dropped


def _sizes(shown: tuple[int, int], config: HlsSettings) -> list[Rendition]:
    short = min(shown)
    rungs = sorted((rung for rung in config.ladder if rung.height <= short), key=lambda rung: -rung.height)
    made = [_scaled(shown, rung.height, rung.max_kbps) for rung in rungs]
    if not rungs or short > rungs[0].height * _WORTH_ITS_OWN:
        made.insert(0, _scaled(shown, short, cap_kbps(short, config)))
    return made


def _in_codec(one: Rendition, codec: Literal["hevc", "av1"]) -> Rendition:
    kbps = round(one.max_kbps * _OF_H264_BITS[codec])
    return Rendition(f"{one.name}-{codec}", one.width, one.height, kbps, codec)


def _scaled(shown: tuple[int, int], short: int, max_kbps: int) -> Rendition:
    width, height = (_even(side * short / min(shown)) for side in shown)
    return Rendition(f"v{short}", width, height, max_kbps)


def _even(side: float) -> int:
    """4:2:0 needs even sides; a one-pixel side becomes two."""
    return max(2, math.floor(side / 2 + 0.5) * 2 if side % 2 != 1 else int(side) - 1)


def cap_kbps(short: int, config: HlsSettings) -> int:
    """The cap of a size between two rungs, by its area; beyond the ladder's ends by the nearest rung."""
    by_height = sorted(config.ladder, key=lambda rung: rung.height)
    nearest = next((rung for rung in by_height if rung.height >= short), by_height[-1])
    return max(100, round(nearest.max_kbps * min(1.0, (short / nearest.height) ** 2)))
