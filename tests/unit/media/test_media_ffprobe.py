"""What ffprobe prints, as typed facts, whatever is missing from it."""

import json
from typing import Any

import pytest

from vlogd.media import ffprobe
from vlogd.media.ffprobe import Media

VIDEO: dict[str, Any] = {
    "index": 0, "codec_type": "video", "codec_name": "h264", "width": 1440, "height": 1080,
    "sample_aspect_ratio": "4:3", "avg_frame_rate": "30000/1001", "time_base": "1/30000", "pix_fmt": "yuv420p",
    "side_data_list": [{"rotation": 90}],
}  # fmt: skip
AUDIO: dict[str, Any] = {
    "index": 1, "codec_type": "audio", "codec_name": "aac", "sample_rate": "48000", "channels": 2,
    "tags": {"LANGUAGE": "ger", "title": "Ton"}, "disposition": {"default": 1},
}  # fmt: skip
COVER = {**VIDEO, "index": 2, "codec_name": "mjpeg", "disposition": {"attached_pic": 1}}
FORMAT = {
    "format_name": "mov,mp4",
    "duration": "12.5",
    "start_time": "-0.02",
    "size": "1000",
    "tags": {"TITLE": "x"},
}


def described(**said: Any) -> Media:
    """The facts of such an answer of ffprobe's."""
    return ffprobe._media(said)


def test_a_whole_file() -> None:
    """Video, audio and cover are told apart; tags are found whatever their letters' case."""
    media = described(
        streams=[COVER, VIDEO, AUDIO], format=FORMAT, chapters=[{"start_time": "1", "end_time": "2"}]
    )
    assert media.video is not None
    assert (media.video.index, media.cover_index) == (0, 2)
    assert media.video.shown_size() == (1080, 1920)
    assert (media.video.rotation, media.video.turned) == (270, True)
    assert [(one.language, one.title, one.default) for one in media.audio] == [("ger", "Ton", True)]
    assert (media.duration_seconds, media.start_seconds, media.tags) == (12.5, -0.02, {"title": "x"})
    assert media.chapters[0].title == ""


def test_facts_survive_json() -> None:
    """They are kept beside the original and in the probe stage's artifact."""
    media = described(
        streams=[VIDEO, AUDIO, {"index": 3, "codec_type": "subtitle", "codec_name": "ass"}], format=FORMAT
    )
    assert ffprobe.from_json(json.loads(json.dumps(media.to_json()))) == media
    assert media.subtitles[0].text


def test_almost_nothing() -> None:
    """A raw stream says little: no sizes, no rates, no length."""
    bare = described(
        streams=[{"index": 0, "codec_type": "video", "codec_name": "h264", "width": 2, "height": 2}]
    )
    assert bare.video is not None
    assert (bare.video.frame_rate, bare.video.sample_aspect, bare.duration_seconds) == ("25/1", "1/1", 0.0)
    assert described().video is None


@pytest.mark.parametrize(
    ("changes", "is_video"),
    [({"width": 0}, False), ({"width": "N/A"}, False), ({"codec_name": ""}, False), ({"avg_frame_rate": "0/0"}, True),
     ({"sample_aspect_ratio": "0:1"}, True), ({"sample_aspect_ratio": "abc"}, True), ({"start_pts": "abc"}, True)],
)  # fmt: skip
def test_odd_values(changes: dict[str, Any], *, is_video: bool) -> None:
    """A stream without a size or codec is no video; other odd values become the usual ones."""
    media = described(streams=[{**VIDEO, **changes}])
    assert (media.video is not None) == is_video


def test_lists_are_bounded() -> None:
    """Thousands of chapters or subtitle tracks are cut off."""
    media = described(
        streams=[{"index": n, "codec_type": "subtitle"} for n in range(200)], chapters=[{}] * 5000, format={}
    )
    assert (len(media.subtitles), len(media.chapters)) == (64, 2000)


def test_length_comes_from_the_longest_stream_where_the_file_has_none() -> None:
    """Seconds as text, N/A for unknown."""
    media = described(
        streams=[{**VIDEO, "duration": "N/A"}, {**AUDIO, "duration": "7.5"}], format={"duration": "N/A"}
    )
    assert media.duration_seconds == 7.5
