"""Which renditions a source gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.stages.hls.ladder import (
    HlsSettings,
    Rendition,
    Rung,
    cap_kbps,
    is_reduced,
    renditions,
    too_similar,
)

CONFIG = HlsSettings()


def names(size: tuple[int, int], config: HlsSettings = CONFIG, *, hdr: bool = False) -> list[str]:
    """The names of the renditions."""
    return [rendition.name for rendition in renditions(size, config, hdr=hdr)]


@pytest.mark.parametrize(("size", "expected"), [
    ((1920, 1080), ["v1080", "v720", "v480", "v360"]),
    ((1080, 1920), ["v1080", "v720", "v480", "v360"]),
    ((1920, 800), ["v800", "v720", "v480", "v360"]),
    ((1280, 780), ["v720", "v480", "v360"]),
    ((320, 240), ["v240"]),
    ((7680, 4320), ["v2160", "v1440", "v1080", "v720", "v480", "v360"]),
    ((5120, 2880), ["v2160", "v1440", "v1080", "v720", "v480", "v360"]),
])  # fmt: skip
def test_the_ladder_follows_the_short_side(size: tuple[int, int], expected: list[str]) -> None:
    """Never larger than the source; one that is clearly taller than its highest rung keeps its size."""
    assert names(size) == expected


@pytest.mark.parametrize(("rungs", "size", "expected"), [
    ((4320, 1080), (7680, 4320), ["v4320", "v1080"]),
    ((4320, 1080), (5120, 2880), ["v2880", "v1080"]),
    ((1080,), (7680, 4320), ["v2160", "v1080"]),
    ((1080,), (2560, 1440), ["v1440", "v1080"]),
])  # fmt: skip
def test_nothing_above_2160_unless_a_rung_is(
    rungs: tuple[int, ...], size: tuple[int, int], expected: list[str]
) -> None:
    """A source above it is reduced, also where it would have kept its own size."""
    config = HlsSettings(ladder=tuple(Rung(height=height, max_kbps=5000) for height in rungs))
    assert names(size, config) == expected
    assert is_reduced(size, config) == (expected[0] == "v2160")


def test_frame_sizes_keep_the_shape_and_are_even() -> None:
    """A turned video is scaled as it is displayed."""
    sizes = [(rendition.width, rendition.height) for rendition in renditions((1080, 1920), CONFIG)]
    assert sizes == [(1080, 1920), (720, 1280), (480, 854), (360, 640)]


@given(st.integers(1, 8192), st.integers(1, 8192))
def test_any_size_has_renditions_that_can_be_encoded(width: int, height: int) -> None:
    """Even sides, unique names, the largest first, each with room for some bits."""
    made = renditions((width, height), CONFIG)
    assert all(size.width % 2 == 0 and size.height % 2 == 0 and size.max_kbps >= 100 for size in made)
    assert all(size.width >= 2 and size.height >= 2 for size in made)
    assert len({size.name for size in made}) == len(made)
    assert list(made) == sorted(made, key=lambda size: -min(size.width, size.height))


def test_other_codecs_have_the_same_sizes_and_fewer_bits() -> None:
    """HEVC and AV1 come after H.264; a transport stream has H.264 only."""
    config = HlsSettings(codecs=("h264", "av1", "hevc"), ladder=(Rung(height=720, max_kbps=2000),))
    made = renditions((1280, 720), config)
    assert [(size.name, size.codec, size.max_kbps) for size in made] == [
        ("v720", "h264", 2000), ("v720-hevc", "hevc", 1300), ("v720-av1", "av1", 1100),
    ]  # fmt: skip
    assert names((1280, 720), HlsSettings(codecs=("h264", "hevc"), segment_format="ts")) == [
        "v720",
        "v480",
        "v360",
    ]


def test_hdr_is_kept_in_one_more_rendition_when_it_is_wanted() -> None:
    """HEVC, in the size of the top rendition."""
    config = HlsSettings(keep_hdr=True)
    top = renditions((1280, 720), config, hdr=True)[-1]
    assert (top.name, top.codec, top.hdr, top.height) == ("v720-hdr", "hevc", True, 720)
    assert names((1280, 720), config) == ["v720", "v480", "v360"]
    assert names((1280, 720), CONFIG, hdr=True) == ["v720", "v480", "v360"]


def test_what_saves_no_tenth_is_left_out() -> None:
    """Each is compared with the last one that is kept, in its own codec; HDR is never left out."""
    ladder = [
        Rendition("a", 8, 8, 1), Rendition("b", 6, 6, 1), Rendition("c", 4, 4, 1), Rendition("d", 8, 8, 1, "hevc"),
        Rendition("e", 8, 8, 1, "hevc", hdr=True),
    ]  # fmt: skip
    assert too_similar(ladder, {"a": 100, "b": 91, "c": 89, "d": 100, "e": 100}) == ["b"]
    assert too_similar(ladder, {"a": 100, "b": 80, "c": 73, "d": 10, "e": 10}) == ["c"]


def test_caps_between_rungs_go_by_area() -> None:
    """Half the height has a quarter of the bits; beyond the ladder the nearest rung counts."""
    config = HlsSettings(ladder=(Rung(height=400, max_kbps=4000), Rung(height=800, max_kbps=8000)))
    assert [cap_kbps(short, config) for short in (200, 400, 600, 800, 1600)] == [1000, 4000, 4500, 8000, 8000]


@pytest.mark.parametrize("ladder", [(), (Rung(height=360, max_kbps=1), Rung(height=360, max_kbps=2))])
def test_a_ladder_that_makes_no_sense_is_refused(ladder: tuple[Rung, ...]) -> None:
    """With a sentence for the configuration's reader."""
    with pytest.raises(ValueError, match="rung"):
        HlsSettings(ladder=ladder)
