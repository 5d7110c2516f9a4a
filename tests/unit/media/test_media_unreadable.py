"""Why a file is refused in which there is nothing to publish."""

from pathlib import Path
from typing import Any

import pytest

from vlogd.core.errors import BadInput, ToolFailed
from vlogd.media import refusals, unreadable
from vlogd.media.refusals import Refusal


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file that might be a video."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom\xf0\xf1")
    return path


def stream(kind: str, **values: Any) -> dict[str, Any]:
    """A track as ffprobe describes it."""
    return {"codec_type": kind, **values}


COVER = stream("video", codec_name="mjpeg", width=100, disposition={"attached_pic": 1})
CASES: dict[str, tuple[list[dict[str, Any]], tuple[str, ...], Refusal]] = {
    "no decoder": ([stream("audio")], ("audio (ac-4)",), refusals.NO_DECODER),
    "no size": ([stream("video", codec_name="h264")], (), refusals.NO_FRAME_SIZE),
    "subtitles": ([stream("subtitle"), stream("data")], (), refusals.ONLY_OTHER_TRACKS),
    "a cover": ([COVER], (), refusals.ONLY_OTHER_TRACKS),
    "no channels": ([stream("audio", codec_name="aac")], (), refusals.NO_TRACKS),
    "nothing": ([], (), refusals.NO_TRACKS),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_is_named(name: str, film: Path) -> None:
    """A decoder, a size, or the tracks themselves."""
    streams, undecodable, cause = CASES[name]
    assert cause.matches(str(unreadable.without_media(streams, undecodable, film)))


def test_what_ffprobe_cannot_read(film: Path) -> None:
    """What it printed is kept, and is not in the sentence; a picture is called one."""
    printed = ("[mov @ 0x1] moov atom not found", "film.mp4: Invalid data found when processing input")
    error = unreadable.by_ffprobe(ToolFailed("ffprobe failed.", printed), film)
    assert refusals.NO_INDEX.matches(str(error))
    assert error.stderr_tail == printed
    error = unreadable.by_ffprobe(ToolFailed("ffprobe failed.", printed[1:]), film)
    assert refusals.NOT_RECOGNISED.matches(str(error))
    film.write_bytes(b"\xff\xd8\xff\xe0 picture")
    assert "a picture (JPEG)" in str(unreadable.by_ffprobe(ToolFailed("ffprobe failed.", printed), film))


def test_memory_is_not_the_files_fault(film: Path) -> None:
    """The limit can be raised."""
    error = ToolFailed(refusals.OUT_OF_MEMORY.sentence(), ("Cannot allocate memory",))
    assert refusals.OUT_OF_MEMORY.matches(str(unreadable.by_ffprobe(error, film)))


def test_large_frames() -> None:
    """8K is taken."""
    unreadable.check_frame_size(7680, 4320)
    with pytest.raises(BadInput, match="65535x65535 pixels"):
        unreadable.check_frame_size(65_535, 65_535)
