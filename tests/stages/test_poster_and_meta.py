"""The poster is never black if a better picture is near; meta.json has what the file said."""

import json
import subprocess
from pathlib import Path

import pytest
from clips import ffmpeg
from stage_driver import run_stage

from vlogd.core.settings import NoSettings
from vlogd.stages.pipeline import META, POSTER, PROBE
from vlogd.stages.poster import PosterSettings


def poster(source: Path, tmp_path: Path) -> Path:
    """The poster of `source`."""
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    return (
        run_stage(POSTER, source, {"probe": probed.folder}, PosterSettings(), tmp_path).folder
        / "thumbnail.jpg"
    )


def size_and_luma(path: Path) -> tuple[int, int, float]:
    """Width, height and mean brightness of a picture."""
    said = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", path],
                          check=True, capture_output=True, text=True).stdout.strip().split(",")  # fmt: skip
    grey = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-vf", "scale=16:16,format=gray", "-f", "rawvideo", "-"],
                          check=True, capture_output=True).stdout  # fmt: skip
    return int(said[0]), int(said[1]), sum(grey) / len(grey)


def test_a_black_moment_is_passed_over(tmp_path: Path) -> None:
    """A film that is black until its eighth second gets a poster from behind it."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=20", "-vf", "drawbox=c=black:t=fill:enable='lt(t,8)'",
           tmp_path / "a.mp4")  # fmt: skip
    width, height, luma = size_and_luma(poster(tmp_path / "a.mp4", tmp_path))
    assert (width, height) == (320, 180)
    assert luma > 60


@pytest.mark.parametrize("file", ["a.h264", "a.hevc"])
def test_a_raw_stream_has_a_poster(file: str, tmp_path: Path) -> None:
    """It has neither an index nor a length; here a frame behind two black seconds."""
    codec = ("libx264",) if file == "a.h264" else ("libx265", "-x265-params", "log-level=error")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=5", "-vf", "drawbox=c=black:t=fill:enable='lt(t,2.2)'",
           "-c:v", *codec, "-pix_fmt", "yuv420p", tmp_path / file)  # fmt: skip
    assert size_and_luma(poster(tmp_path / file, tmp_path))[2] > 60


def test_a_film_that_is_all_black_still_has_one(tmp_path: Path) -> None:
    """Black is better than nothing."""
    ffmpeg("-f", "lavfi", "-i", "color=black:s=320x180:r=10:d=3", tmp_path / "a.mp4")
    assert size_and_luma(poster(tmp_path / "a.mp4", tmp_path))[2] < 20


def test_wide_pixels_become_square(tmp_path: Path) -> None:
    """An anamorphic picture is shown at its shape."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=240x180:r=10:d=8,setsar=4/3", tmp_path / "a.mp4")
    assert size_and_luma(poster(tmp_path / "a.mp4", tmp_path))[:2] == (320, 180)


def test_a_cover_is_the_poster_of_a_song(tmp_path: Path) -> None:
    """Sound with a cover shows the cover; without one there is no poster."""
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:d=1", "-frames:v", "1", tmp_path / "cover.jpg")
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", "-i", tmp_path / "cover.jpg", "-map", "0", "-map", "1", "-c:v", "copy",
           "-disposition:v", "attached_pic", tmp_path / "song.m4a")  # fmt: skip
    assert size_and_luma(poster(tmp_path / "song.m4a", tmp_path))[:2] == (64, 64)
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", tmp_path / "plain.mp3")
    assert not poster(tmp_path / "plain.mp3", tmp_path / "plain").exists()


def test_meta_has_what_the_file_said(tmp_path: Path) -> None:
    """Title, date and streams are in meta.json; what was not said is null."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:d=1", "-metadata", 'title=A "day" <out>', "-metadata",
           "creation_time=2020-05-04T03:02:01Z", tmp_path / "a.mp4")  # fmt: skip
    probed = run_stage(PROBE, tmp_path / "a.mp4", {}, NoSettings(), tmp_path)
    work = run_stage(META, tmp_path / "a.mp4", {"probe": probed.folder}, META.settings(), tmp_path)
    said = json.loads((work.folder / "meta.json").read_text())
    assert said["title"] == 'A "day" <out>'
    assert said["recorded_at"] == "2020-05-04"
    assert (said["video"]["width"], said["audio"]) == (64, [])
