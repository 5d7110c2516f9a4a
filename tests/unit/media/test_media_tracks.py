"""Tracks as plain data: there and back, and their rates."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.media.streaming import tracks
from vlogd.media.streaming.tracks import Rate, Track

VIDEO = Track(
    "video",
    "v720",
    90_000,
    (540_000, 540_000, 90_000),
    rate=Rate(3, 2),
    iframes=((24, 100), (), (24, 50, 90, 60)),
)


@given(st.lists(st.integers(1, 10**6), max_size=30))
def test_tracks_are_read_back_as_they_were(durations: list[int]) -> None:
    """Also through JSON text, with equal neighbours counted."""
    track = replace(VIDEO, durations=tuple(durations))
    assert tracks.from_json(json.loads(json.dumps(tracks.to_json([track, VIDEO])))) == (track, VIDEO)


def test_equal_durations_are_counted() -> None:
    """A film of three hours has few lengths."""
    assert tracks.run_lengths((6, 6, 6, 2, 6)) == [(6, 3), (2, 1), (6, 1)]


def test_a_newer_format_is_refused() -> None:
    """With a sentence."""
    with pytest.raises(ValueError, match="newer vlogd"):
        tracks.from_json({**tracks.to_json([VIDEO]), "format": 99})


def test_measured_rates() -> None:
    """The peak is that of whole segments: a tail shorter than half of the longest may have any rate."""
    sizes = {"v720/00000.m4s": 6000, "v720/00001.m4s": 3000, "v720/00002.m4s": 9000, "else": 10**9}
    assert tracks.measured(VIDEO, sizes) == Rate(peak=8000, average=round(18_000 * 8 / 13))
    assert tracks.measured(VIDEO, {}) == Rate()
    assert Rate(1, 2) + Rate(10, 20) == Rate(11, 22)


def test_names_and_addresses() -> None:
    """Relative to the master playlist, wherever that is."""
    assert (VIDEO.segment(7), VIDEO.init, VIDEO.address) == ("00007.m4s", "init.mp4", "v720/index.m3u8")
    assert VIDEO.below("hls-1/").address == "hls-1/v720/index.m3u8"
    assert replace(VIDEO, extension="ts").init is None
