"""A tool that stands still, or finds no room, says nothing of the file: nothing is cut, left out or blamed."""

import errno
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import stage_driver
from broken_tools import STANDS_STILL, instead
from clips import ffmpeg, stamped
from hls_tools import SETTINGS, check_playlists, publish
from stage_driver import LIMITS, run_stage

from vlogd.core.errors import ToolStalled
from vlogd.core.settings import NoSettings
from vlogd.media import encoders, process, read_errors
from vlogd.media.process import Limits
from vlogd.stages.hls import video_encode
from vlogd.stages.pipeline import HLS, PROBE, SUBTITLES

GOP = ("-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p", "-g", "30", "-x264-params", "scenecut=0")
SOON = Limits(stall_seconds=1)


@dataclass(frozen=True)
class Place:
    """A step that has another way when its tool fails: the file, the tool and the command it happens at."""

    file: str
    program: str
    at: str


PLACES = {
    "the look at the file": Place("a.mp4", "ffprobe", "*-show_format*"),
    "the scan of the packets": Place("a.flv", "ffprobe", "*packet=*"),
    "the copy": Place("a.mp4", "ffmpeg", "*copy.mp4*"),
    "the remux": Place("a.ts", "ffmpeg", "*remux.mp4*"),
    "the subtitles": Place("a.mkv", "ffmpeg", "*webvtt*"),
}


def everything(source: Path, tmp_path: Path) -> None:
    """The stages that have another way."""
    probed = {"probe": run_stage(PROBE, source, {}, NoSettings(), tmp_path).folder}
    if source.suffix == ".mkv":
        run_stage(SUBTITLES, source, probed, NoSettings(), tmp_path)
    else:
        run_stage(HLS, source, probed, replace(SETTINGS, copy="auto"), tmp_path)


def clip(place: Place, tmp_path: Path) -> Path:
    """A film for it; the Matroska one has subtitles."""
    if place.file != "a.mkv":
        return stamped(tmp_path / place.file, *GOP, seconds=3)
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,500 --> 00:00:02,000\nHello\n")
    ffmpeg("-i", stamped(tmp_path / "a.mp4", seconds=3), "-i", words, "-c", "copy", tmp_path / "a.mkv")
    return tmp_path / "a.mkv"


@pytest.mark.parametrize("name", PLACES)
def test_a_stall_is_nobodys_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes out as what it is, and the step is tried again."""
    place = PLACES[name]
    source = clip(place, tmp_path)
    instead(place.program, place.at, STANDS_STILL, tmp_path / "bin", monkeypatch)
    monkeypatch.setattr(stage_driver, "LIMITS", SOON)
    with pytest.raises(ToolStalled, match="made no progress"):
        everything(source, tmp_path)


@pytest.mark.parametrize("name", [name for name, place in PLACES.items() if place.program == "ffmpeg"])
def test_a_full_scratch_disk_is_a_pause(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is given up because there was no room for it."""
    place = PLACES[name]
    source = clip(place, tmp_path)
    words = "Error writing trailer of file:a.mp4: No space left on device"
    instead("ffmpeg", place.at, f"echo '{words}' >&2; exit 1", tmp_path / "bin", monkeypatch)
    with pytest.raises(OSError, match="No space left on device"):
        everything(source, tmp_path)


def told_limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """The ffmpeg commands from now on, each with how long it may show no progress (seconds)."""
    told: list[tuple[str, float]] = []

    def run(command: Sequence[str], *, limits: Limits, **options: Any) -> Sequence[str]:
        told.append((" ".join(command), limits.stall_seconds))
        return real(command, limits=limits, **options)

    real = process.run
    monkeypatch.setattr(process, "run", run)
    return told


@pytest.mark.parametrize("file", ["film.mkv", "sound.ogg"])
def test_packets_that_end_where_the_disk_fails(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ffprobe says nothing of it: the bytes behind the last packet are read again. The failing disk is a fake."""
    source = tmp_path / file
    tone = ("-f", "lavfi", "-i", "sine=duration=3", source)
    ffmpeg(*tone) if source.suffix == ".ogg" else stamped(source, seconds=3)
    length = source.stat().st_size
    looked: list[int] = []

    def fails(_path: Path, first: int = 0, *_rest: object, **_more: object) -> None:
        looked.append(first)
        if first > 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(read_errors, "check", fails)
    monkeypatch.setattr(read_errors, "check_ends", lambda _path: None)
    with pytest.raises(OSError, match="Input/output error"):
        run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    assert length // 2 < looked[-1] <= length


def test_decoding_from_the_start_may_take_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the film before a chunk is dropped nothing moves: that is no stall."""
    source = stamped(tmp_path / "a.mp4", *GOP, seconds=12)
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + len(data) // 8] = bytes(len(data) // 8)
    source.write_bytes(data)
    told = told_limits(monkeypatch)
    publish(source, tmp_path)
    begins = {
        words: int(found[1]) / 90_000 for words, _ in told if (found := re.search(r"start_pts=(\d+)", words))
    }
    patient = [
        (begins[words], seconds) for words, seconds in told if words in begins and " -ss " not in words
    ]
    assert patient
    assert all(abs(seconds - LIMITS.stall_seconds - begin) < 0.001 for begin, seconds in patient)


def test_sparse_subtitles_of_a_huge_film_may_take_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may read ten megabytes a second between two of them."""
    source = clip(PLACES["the subtitles"], tmp_path)
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path).folder
    said = json.loads((probed / "probe.json").read_bytes())
    said["media"]["size_bytes"] = 60_000_000_000
    (probed / "probe.json").write_text(json.dumps(said))
    told = told_limits(monkeypatch)
    run_stage(SUBTITLES, source, {"probe": probed}, NoSettings(), tmp_path)
    assert [seconds for words, seconds in told if "webvtt" in words] == [LIMITS.stall_seconds + 6000]


def test_hardware_that_hangs_is_replaced_by_software(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that stands still costs one attempt, not the film."""
    source = stamped(tmp_path / "a.mp4", seconds=3)
    hung: list[str] = []

    def run(*args: Any, **options: Any) -> None:
        if not hung:
            hung.append("once")
            raise ToolStalled("ffmpeg made no progress for 300 s and was ended.")
        real(*args, **options)

    real = video_encode.ffmpeg.run
    monkeypatch.setattr(
        video_encode,
        "pick",
        lambda _family, codec, limits, _side, _stop: encoders.pick("software", codec, limits),
    )
    encoders.pick("software", "h264", LIMITS)
    monkeypatch.setattr(video_encode.ffmpeg, "run", run)
    work = publish(source, tmp_path, replace(SETTINGS, encoder="auto"))
    told = work.receipts["video-0000"].facts["fallback"]
    assert told == "encoded in software: the hardware failed"
    check_playlists(work)
