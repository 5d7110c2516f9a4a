"""Which renditions a source gets, and the settings that decide it.

A rung is judged by the short side of the picture as it is shown, so that a portrait clip gets the
same ladder as a landscape one. No rendition is larger than the source. A source that is clearly
taller than its highest rung (1920x800, 1333x1000) keeps its own size as the top rendition.
"""

import math
from dataclasses import dataclass
from typing import Literal

from vlogd.settings import Crf, NonNegativeInt, PositiveInt, settings

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]

_WORTH_ITS_OWN = 1.10
"""How much taller than the highest rung a source must be to get a rendition of its own size."""


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
    crf: Crf = 23
    preset: Preset = "veryfast"
    segment_seconds: PositiveInt = 6
    gop_seconds: PositiveInt = 2
    chunk_seconds: PositiveInt = 12
    audio_kbps: PositiveInt = 128
    max_frame_rate: NonNegativeInt = 60


@dataclass(frozen=True)
class Rendition:
    """One picture size that is made. `name` is its folder's name."""

    name: str
    width: int
    height: int
    max_kbps: int


def renditions(shown: tuple[int, int], config: HlsSettings) -> tuple[Rendition, ...]:
    """The renditions of a source that is shown at `shown` (width, height), the largest first."""
    short = min(shown)
    rungs = sorted((rung for rung in config.ladder if rung.height <= short), key=lambda rung: -rung.height)
    made = [_scaled(shown, rung.height, rung.max_kbps) for rung in rungs]
    if not rungs or short > rungs[0].height * _WORTH_ITS_OWN:
        made.insert(0, _scaled(shown, short, _cap_kbps(short, config)))
    return tuple(made)


def _scaled(shown: tuple[int, int], short: int, max_kbps: int) -> Rendition:
    width, height = (_even(side * short / min(shown)) for side in shown)
    return Rendition(f"v{short}", width, height, max_kbps)


def _even(side: float) -> int:
    """4:2:0 needs even sides; a one-pixel side becomes two."""
    return max(2, math.floor(side / 2 + 0.5) * 2 if side % 2 != 1 else int(side) - 1)


def _cap_kbps(short: int, config: HlsSettings) -> int:
    """The cap of a size between two rungs, by its area; beyond the ladder's ends by the nearest rung."""
    by_height = sorted(config.ladder, key=lambda rung: rung.height)
    nearest = next((rung for rung in by_height if rung.height >= short), by_height[-1])
    return max(100, round(nearest.max_kbps * min(1.0, (short / nearest.height) ** 2)))
