"""A file begins with its first frame or its first sound."""

from typing import Any

import pytest

from vlogd.media import start_time


@pytest.mark.parametrize(("listed", "tracks", "start"), [
    ("0.000000", [("video", "0.800000"), ("audio", "0.777000"), ("subtitle", "0.000000")], 0.777),
    ("-0.500000", [("data", "-0.500000"), ("video", "0.000000")], 0.0),
    ("1.400000", [("video", "1.423222"), ("audio", "1.400000")], 1.4),
    ("0.006999", [("video", "0.007000")], 0.006999),
    ("5.000000", [("video", None)], 5.0),
    (None, [], 0.0),
    ("N/A", [("audio", "x")], 0.0),
])  # fmt: skip
def test_data_and_subtitles_do_not_count(
    listed: str | None, tracks: list[tuple[str, str | None]], start: float
) -> None:
    """Where the container's start is that of video or audio, it is taken as it is."""
    streams: list[dict[str, Any]] = [
        {"codec_type": kind} | ({} if begins is None else {"start_time": begins}) for kind, begins in tracks
    ]
    assert start_time.of_media({} if listed is None else {"start_time": listed}, streams) == start
