"""Whether the source's own frames may be published."""

from array import array
from typing import Any

import pytest
from media_values import video

from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import passthrough
from vlogd.stages.hls.ladder import HlsSettings, Rung
from vlogd.stages.hls.timeline import Timeline

CONFIG = HlsSettings(ladder=(Rung(height=1080, max_kbps=5000),))

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"codec": "hevc", "profile": "Main"}, "its codec is hevc Main"),
    ({"profile": "High 4:4:4 Predictive"}, "its codec is h264 High 4:4:4 Predictive"),
    ({"pixel_format": "yuv420p10le"}, "its pixels are yuv420p10le"),
    ({"color_range": "pc"}, "its pixels are yuv420p"),
    ({"color_transfer": "smpte2084"}, "it is HDR"),
    ({"field_order": "tt"}, "it is interlaced"),
    ({"sample_aspect": "4/3"}, "its pixels are not square"),
    ({"turned": True}, "it asks players to rotate it"),
    ({"level": 52}, "its level is 5.2"),
    ({"level": 0}, "its level is 0.0"),
    ({"width": 1919}, "its size is odd"),
    ({"frame_rate": "120/1"}, "it has too many frames a second"),
]


def test_a_standard_source_may_be_copied() -> None:
    """Also with nothing said about colours and fields, and at 59.94 frames a second."""
    assert passthrough.why_not(video(), CONFIG) is None
    plain = video(color_transfer="", field_order="unknown", color_range="", frame_rate="60000/1001", level=51)
    assert passthrough.why_not(plain, CONFIG) is None


@pytest.mark.parametrize(("changed", "why"), REFUSED)
def test_each_reason_is_told(changed: dict[str, Any], why: str) -> None:
    """As a sentence for people."""
    assert passthrough.why_not(video(**changed), CONFIG) == f"The source is re-encoded: {why}."


@pytest.mark.parametrize("config", [HlsSettings(copy="never"), HlsSettings(segment_format="ts")])
def test_the_configuration_may_forbid_it(config: HlsSettings) -> None:
    """Whatever the source is."""
    assert passthrough.why_not(video(), config) is not None


def cut(seconds: int, size_bytes: int) -> Timeline:
    """Two segments of that length, each of so many bytes."""
    pts = array("q", [OFFSET, OFFSET + seconds * TICKS])
    return Timeline(pts, OFFSET + 2 * seconds * TICKS, (0, 1), (0, 1), 1, (size_bytes, size_bytes))


def test_segments_may_be_ten_seconds_long_and_a_third_above_the_cap() -> None:
    """Beyond that the source is encoded."""
    allowed = 10 * 5_000_000 * 13 // 10 // 8
    assert passthrough.why_not_cut(video(), CONFIG, cut(10, allowed)) is None
    assert "too far apart" in str(passthrough.why_not_cut(video(), CONFIG, cut(11, 1000)))
    assert "6.6 Mbit/s" in str(passthrough.why_not_cut(video(), CONFIG, cut(10, 8_200_000)))


def test_longer_segments_may_be_configured() -> None:
    """The configured length and half a second."""
    assert passthrough.why_not_cut(video(), HlsSettings(segment_seconds=12), cut(12, 1000)) is None


def test_the_rendition_has_the_coded_size() -> None:
    """Its name says what it is; nothing decides by it."""
    copied = passthrough.rendition(video())
    assert (copied.name, copied.width, copied.height) == ("v1080-copy", 1920, 1080)
