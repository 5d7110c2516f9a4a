"""Which finished streams have a fault of earlier versions."""

import json
from array import array
from pathlib import Path
from typing import Any

import pytest
from media_values import media, steady, video, write_probe

from vlogd.media.streaming import hls_writer, tracks
from vlogd.media.streaming.tracks import Track
from vlogd.stages.hls.outdated import is_outdated

SETTINGS = {"max_frame_rate": 60}


def stream(folder: Path, *made: Track, targets: tuple[int, ...]) -> Path:
    """An artifact of hls with these tracks, whose playlists have these target durations."""
    for track, target in zip(made, targets, strict=True):
        (folder / track.folder).mkdir(parents=True)
        playlist = hls_writer.media_playlist(track, len(track.durations), target=target, complete=True)
        (folder / track.folder / "index.m3u8").write_bytes(playlist)
    (folder / "stream.json").write_text(json.dumps(tracks.to_json(made)))
    return folder


def picture(seconds: float, frames: int = 250) -> Track:
    """A video track of one segment."""
    return Track("video", "v1080", 1000, (round(seconds * 1000),), pictures=frames)


def sound(seconds: float) -> Track:
    """An audio track of one segment."""
    return Track("audio", "a0", 1000, (round(seconds * 1000),))


@pytest.mark.parametrize(("targets", "expected"), [((4, 5), True), ((5, 5), False)])
def test_target_durations_that_differ(targets: tuple[int, int], expected: bool, tmp_path: Path) -> None:
    """4.483 s of video and 4.501 s of audio."""
    probed = write_probe(tmp_path / "probe", media(), steady(10))
    made = stream(tmp_path / "hls", picture(4.483), sound(4.501), targets=targets)
    assert is_outdated(made, {"probe": probed}, SETTINGS) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(10.0, True), (14.0, False)])
def test_sound_that_was_cut_off(seconds: float, expected: bool, tmp_path: Path) -> None:
    """The scan found four seconds more; without an audio track nothing was cut off."""
    probed = write_probe(tmp_path / "probe", media(), steady(10), sound_seconds=14.0)
    made = stream(tmp_path / "hls", picture(seconds), sound(seconds), targets=(14, 14))
    assert is_outdated(made, {"probe": probed}, SETTINGS) is expected
    silent = stream(tmp_path / "silent", picture(seconds), targets=(14,))
    assert not is_outdated(silent, {"probe": probed}, SETTINGS)


@pytest.mark.parametrize(
    ("frames", "rate", "times", "expected"),
    [
        (15, "1000/1", steady(10), True),
        (250, "1000/1", steady(10), False),
        (250, "25/1", steady(10), False),
        (600, "120/1", [number * 25 // 3 for number in range(1200)], False),
        (0, "1000/1", steady(10), False),  # damaged: how many there are is not known
    ],
)
def test_frames_that_were_thrown_away(
    frames: int, rate: str, times: list[int], expected: bool, tmp_path: Path
) -> None:
    """Because of a made-up rate; those beyond the highest rate are left out on purpose."""
    described: Any = media(video=video(frame_rate=rate))
    probed = write_probe(tmp_path / "probe", described, array("q", times))
    made = stream(tmp_path / "hls", picture(10, frames), sound(10), targets=(10, 10))
    assert is_outdated(made, {"probe": probed}, SETTINGS) is expected
