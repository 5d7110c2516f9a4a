"""Which video renditions a source gets, and the settings that decide it.

A rung is compared with the short side of the frame as it is displayed, so that a portrait video gets the same ladder as
a landscape one. No rendition is larger than the source. A source that is clearly taller than its highest rung
(1920x800, 1333x1000) keeps its own size as the top rendition, up to 2160 lines: larger frames take gigabytes to encode, and no
H.264 decoder of a television or a phone takes them. A rung of the configuration may be higher.

H.264 is always made, because every player decodes it (Apple 1.12); `codecs` adds the same sizes in others. Clauses
called Apple are those of the HLS Authoring Specification for Apple Devices.
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

_OWN_SIZE_FACTOR = 1.10
"""How much taller than the highest rung a source must be to get a rendition of its own size; below that, scaling it down
loses nothing that can be seen."""

_TALLEST = 2160
"""Lines of the largest rendition, unless a rung of the configuration is higher."""

_SIMILAR_SIZE = 0.9
"""A rendition that takes more than this share of its larger neighbour's bytes helps nobody's connection."""

_BITS_OF_H264 = {"h264": 1.0, "hevc": 0.65, "av1": 0.55}
"""The caps of the other codecs as a share of H.264's for about the same quality. Chosen on the careful side of what is
commonly reported: HEVC saves 35 to 50 %, AV1 45 to 60 %."""

_LOWEST_CAP_KBPS = 100
"""For tiny frames the rule by area would give a cap of a few kbit/s, which no encoder can keep."""


@settings
class Rung:
    """One step of the ladder: the short side in pixels, and the bit rate that it may take at most."""

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
"""Close to Apple's own table of H.264 bit rates, at the sizes that screens have."""


@settings
class HlsSettings:
    """How the stream is made. The defaults of segments and GOPs are Apple's (7.5, 1.13)."""

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
    """One frame size in one codec. `name` is also the name of its folder. `hdr`: the dynamic range is kept."""

    name: str
    width: int
    height: int
    max_kbps: int
    codec: Codec = "h264"
    hdr: bool = False


def renditions(
    display_size: tuple[int, int], config: HlsSettings, *, hdr: bool = False
) -> tuple[Rendition, ...]:
    """The renditions of a source that is displayed at `display_size` (width, height), the largest H.264 one first.

    `hdr`: the source has a high dynamic range; with `keep_hdr` it gets one HEVC rendition that has it too.
    """
    in_h264 = _sizes(display_size, config)
    extra = [codec for codec in ("hevc", "av1") if codec in config.codecs and config.segment_format == "fmp4"]
    ladder = [*in_h264, *(_in_codec(size, codec) for codec in extra for size in in_h264)]
    if hdr and config.keep_hdr and config.segment_format == "fmp4":
        top = _in_codec(in_h264[0], "hevc")
        name = f"{in_h264[0].name}-hdr"
        ladder.append(Rendition(name, top.width, top.height, top.max_kbps, "hevc", hdr=True))
    return tuple(ladder)


def too_similar(ladder: Sequence[Rendition], size_bytes: Mapping[str, int]) -> list[str]:
    """The names of renditions to leave out, by the bytes that the first chunk takes in each.

    In each codec, from the largest frame size down: one that does not save a tenth compared with the last one that was
    kept. A slide show needs no smaller frames.
    """
    dropped = []
    kept_bytes: dict[str, int] = {}
    for rendition in ladder:
        if rendition.hdr:
            continue
        size, codec = size_bytes[rendition.name], rendition.codec
        if codec in kept_bytes and size > _SIMILAR_SIZE * kept_bytes[codec]:
            dropped.append(rendition.name)
        else:
            kept_bytes[codec] = size
    return dropped


def _sizes(display_size: tuple[int, int], config: HlsSettings) -> list[Rendition]:
    short = min(display_size)
    rungs = sorted((rung for rung in config.ladder if rung.height <= short), key=lambda rung: -rung.height)
    sizes = [_scaled(display_size, rung.height, rung.max_kbps) for rung in rungs]
    top = min(short, _tallest(config))
    if not rungs or top > rungs[0].height * _OWN_SIZE_FACTOR:
        sizes.insert(0, _scaled(display_size, top, cap_kbps(top, config)))
    return sizes


def _tallest(config: HlsSettings) -> int:
    return max(_TALLEST, *(rung.height for rung in config.ladder))


def is_reduced(display_size: tuple[int, int], config: HlsSettings) -> bool:
    """Whether the largest rendition is clearly smaller than the source."""
    return min(display_size) > _tallest(config) * _OWN_SIZE_FACTOR


def _in_codec(rendition: Rendition, codec: Literal["hevc", "av1"]) -> Rendition:
    kbps = round(rendition.max_kbps * _BITS_OF_H264[codec])
    return Rendition(f"{rendition.name}-{codec}", rendition.width, rendition.height, kbps, codec)


def _scaled(display_size: tuple[int, int], short: int, max_kbps: int) -> Rendition:
    width, height = (_even(side * short / min(display_size)) for side in display_size)
    return Rendition(f"v{short}", width, height, max_kbps)


def _even(side: float) -> int:
    """4:2:0 chroma subsampling needs even sides; a side of one pixel becomes two."""
    return max(2, math.floor(side / 2 + 0.5) * 2 if side % 2 != 1 else int(side) - 1)


def cap_kbps(short: int, config: HlsSettings) -> int:
    """The cap of a size between two rungs, by its area; beyond the ladder's ends by the nearest rung."""
    by_height = sorted(config.ladder, key=lambda rung: rung.height)
    nearest = next((rung for rung in by_height if rung.height >= short), by_height[-1])
    return max(_LOWEST_CAP_KBPS, round(nearest.max_kbps * min(1.0, (short / nearest.height) ** 2)))
