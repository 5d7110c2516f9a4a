"""Nothing that people gave is cut: a picture stands while there is only sound, and as long as its file says."""

import itertools
import json
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest
from clips import ffmpeg, numbers, stamped
from hls_tools import SETTINGS, check_playlists, playlists, publish
from stage_driver import LIMITS, item_of

from vlogd.media import isobmff
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.stages.contract import Work
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.pipeline import HLS
from vlogd.stages.workspace import Workspace

COPY = replace(SETTINGS, copy="auto")


def with_sound(
    target: Path, *sound: str, delay: float = 0, picture_delay: float = 0, seconds: float = 4
) -> Path:
    """A numbered clip of some seconds, with this sound (an input of ffmpeg's lavfi) beginning `delay` seconds later."""
    silent = stamped(target.with_name("silent.mp4"), sound=False, seconds=seconds)
    codec = "libopus" if target.suffix == ".webm" else "aac"
    video = ("libvpx", "-b:v", "1M") if target.suffix == ".webm" else ("copy",)
    ffmpeg("-itsoffset", str(picture_delay), "-i", silent, "-itsoffset", str(delay), "-f", "lavfi", "-i", *sound,
           "-c:v", *video, "-c:a", codec, target)  # fmt: skip
    return target


def published(source: Path, tmp_path: Path, settings: HlsSettings = SETTINGS) -> Work:
    """The stream of `source`, which keeps all rules."""
    work = publish(source, tmp_path, settings)
    check_playlists(work)
    findings = check.stream(work.folder / "master.m3u8", CheckOptions(LIMITS))
    assert [finding for finding in findings if finding.level == "must"] == []
    return work


def durations(work: Work, folder: str) -> list[float]:
    """Of the segments of one track."""
    return [
        segment.duration for segment in m3u8.loads((work.folder / folder / "index.m3u8").read_text()).segments
    ]


def heard(work: Work) -> tuple[float, float]:
    """When the sound that is published begins and ends, in seconds."""
    ran = subprocess.run(["ffmpeg", "-i", work.folder / "a0/index.m3u8", "-af", "silencedetect=n=-40dB:d=0.3", "-f", "null",
                          "-"], capture_output=True, text=True, check=True)  # fmt: skip
    lines = ran.stderr.splitlines()
    starts = [float(line.split("silence_start: ")[1].split()[0]) for line in lines if "silence_start" in line]
    ends = [float(line.split("silence_end: ")[1].split()[0]) for line in lines if "silence_end" in line]
    begin = ends[0] if starts and starts[0] < 0.1 else 0.0
    last = [start for start in starts if start >= 0.1]
    return begin, last[0] if last else sum(durations(work, "a0"))


def fragment_numbers(work: Work, folder: str) -> list[int]:
    """The sequence number (mfhd; ISO/IEC 14496-12, 8.8.5) of each fragment of a track."""
    numbers = []
    for path in sorted((work.folder / folder).glob("*.m4s")):
        data = path.read_bytes()
        for _, moof in ((kind, body) for kind, body in isobmff.children(memoryview(data)) if kind == b"moof"):
            numbers += isobmff.fields("I", isobmff.child(moof, b"mfhd"), 4)
    return numbers


def notes(work: Work) -> object:
    """What people are told."""
    have = {name for receipt in work.receipts.values() for name in receipt.files}
    return HLS.view(work, have).facts["notes"]


@pytest.mark.parametrize("file", ["a.mp4", "a.ts"])
def test_sound_that_is_five_seconds_longer_is_heard_to_its_end(file: str, tmp_path: Path) -> None:
    """The last picture stands meanwhile, a frame a second at least."""
    work = published(with_sound(tmp_path / file, "sine=d=9"), tmp_path)
    assert sum(durations(work, "v108")) == pytest.approx(9, abs=0.06)
    assert heard(work) == pytest.approx((0, 9), abs=0.06)
    assert max(durations(work, "v108")) < 2.1
    found = numbers(work.folder / "v108/index.m3u8")
    assert [number for _, number in found[:100]] == list(range(100))
    assert {number for _, number in found[100:]} == {99}
    times = [time for time, _ in found]
    assert max(after - before for before, after in itertools.pairwise(times)) <= 1.0
    assert notes(work) == ["The video ends 5 s before the audio; its last frame is shown until then."]
    for folder in ("v108", "v54", "a0"):  # over the borders of chunks; players warn of gaps
        count = len(fragment_numbers(work, folder))
        assert fragment_numbers(work, folder) == list(range(1, count + 1))
    (uri,) = [item.uri for item in playlists(work).iframe_playlists if item.uri.startswith("v108/")]
    assert len(m3u8.loads((work.folder / uri).read_text()).segments) >= 9


def test_sound_that_begins_after_the_last_picture_is_heard(tmp_path: Path) -> None:
    """A picture of four seconds, and sound from the fifth to the eighth."""
    work = published(with_sound(tmp_path / "a.mkv", "sine=d=3", delay=5), tmp_path)
    assert heard(work) == pytest.approx((5, 8), abs=0.06)
    assert [number for _, number in numbers(work.folder / "v54/index.m3u8")][100:] != []


def test_sound_that_begins_five_seconds_late_is_heard_to_its_end(tmp_path: Path) -> None:
    """It goes on after the picture, which is six seconds long."""
    work = published(with_sound(tmp_path / "a.mp4", "sine=d=4", delay=5, seconds=6), tmp_path)
    assert heard(work) == pytest.approx((5, 9), abs=0.06)


def test_sound_that_begins_long_before_the_picture(tmp_path: Path) -> None:
    """The first picture stands from the beginning on, in segments of the usual length."""
    work = published(with_sound(tmp_path / "a.mkv", "sine=d=15", picture_delay=11), tmp_path)
    found = numbers(work.folder / "v108/index.m3u8")
    begin = next(index for index, (_, number) in enumerate(found) if number)
    assert {number for _, number in found[:begin]} == {0}
    assert [number for _, number in found[begin - 1 :]] == list(range(100))
    assert found[begin][0] - found[0][0] == pytest.approx(11.04, abs=0.03)
    assert max(durations(work, "v108")) <= 2.4
    assert fragment_numbers(work, "v54") == list(range(1, len(fragment_numbers(work, "v54")) + 1))
    assert notes(work) == ["The video begins 11 s after the audio; its first frame is shown until then."]


def test_a_still_with_a_minute_of_sound(tmp_path: Path) -> None:
    """One frame becomes a minute of segments, at the cost of one GOP; each begins with a key frame."""
    work = published(with_sound(tmp_path / "a.mp4", "sine=d=60", seconds=0.04), tmp_path)
    assert heard(work) == pytest.approx((0, 60), abs=0.06)
    assert len(durations(work, "v108")) == 31
    assert {number for _, number in numbers(work.folder / "v108/index.m3u8")} == {0}
    names = [receipt.files.get("v108/init.mp4") for receipt in work.receipts.values()]
    assert len({mark.sha256 for mark in names if mark}) == 1
    rows = json.loads((work.folder / "stream.json").read_text())["tracks"][0]["iframes"]
    assert [len(row) // 2 for row in rows] == [1, *[2] * 29, 1]


def test_copied_frames_stand_until_the_sound_ends(tmp_path: Path) -> None:
    """The last one's sample lasts longer; where that would be long, no frames are copied, and why is said."""
    work = published(with_sound(tmp_path / "a.mp4", "sine=d=9"), tmp_path, COPY)
    assert durations(work, "v108-copy") == pytest.approx([9], abs=0.05)
    assert fragment_numbers(work, "v108-copy") == [1]
    assert heard(work) == pytest.approx((0, 9), abs=0.06)
    long = with_sound(tmp_path / "b.mp4", "sine=d=20")
    work = published(long, tmp_path / "b", COPY)
    assert sum(durations(work, "v108")) == pytest.approx(20, abs=0.05)


@pytest.mark.parametrize("file", ["a.mp4", "a.mkv"])
def test_the_last_slide_is_shown_as_long_as_the_others(file: str, tmp_path: Path) -> None:
    """A slide a minute, without sound: three of them are three minutes."""
    source = stamped(tmp_path / file, sound=False, seconds=180, rate="1/60")
    work = published(source, tmp_path)
    assert sum(durations(work, "v108")) == pytest.approx(180, abs=0.01)
    assert numbers(work.folder / "v108/index.m3u8")[-1][1] == 2


def test_padding_of_the_sound_changes_nothing(tmp_path: Path) -> None:
    """Encoders fill up their last frame: the parts are those of all versions."""
    work = publish(with_sound(tmp_path / "a.mp4", "sine=d=4.05"), tmp_path)
    assert list(work.receipts) == ["video-0000", "video-0001", "audio-0"]
    assert "sound_seconds" not in json.loads((work.inputs["probe"] / "probe.json").read_text())["scan"]


def test_a_file_that_is_encoded_in_one_go_lasts_as_long_as_its_sound(tmp_path: Path) -> None:
    """An AVI with B-frames does not say when its frames are presented."""
    ffmpeg("-i", stamped(tmp_path / "a.mp4", seconds=4, sound=False), "-f", "lavfi", "-i", "sine=d=9", "-c:v", "mpeg4",
           "-bf", "2", "-c:a", "mp3", tmp_path / "a.avi")  # fmt: skip
    work = published(tmp_path / "a.avi", tmp_path)
    assert "video-whole-long" in work.receipts
    assert heard(work) == pytest.approx((0, 9), abs=0.1)


def test_a_last_frame_that_is_damaged_is_replaced_by_one_before_it(tmp_path: Path) -> None:
    """The sound is heard all the same."""
    source = with_sound(tmp_path / "a.mkv", "sine=d=9")
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size", "-of",
                            "csv=p=0", source], capture_output=True, text=True, check=True).stdout  # fmt: skip
    size, position = map(int, probe.split()[-1].split(",")[:2])
    data = bytearray(source.read_bytes())
    data[position + 8 : position + size] = bytes(size - 8)
    source.write_bytes(data)
    work = publish(source, tmp_path)
    check_playlists(work)
    assert heard(work) == pytest.approx((0, 9), abs=0.06)
    assert numbers(work.folder / "v108/index.m3u8")[-1][1] >= 50


def test_a_hold_done_again_has_the_same_bytes(tmp_path: Path) -> None:
    """As every part: a crash needs no special case."""
    source = with_sound(tmp_path / "a.mp4", "sine=d=9")
    work = publish(source, tmp_path)
    part = next(part for part in HLS.parts(work) if part.name == "held-after")
    (tmp_path / "again").mkdir()
    ws = Workspace(item_of(source), source, work.inputs, SETTINGS, dict(work.receipts), tmp_path / "other",
                   tmp_path / "again", tmp_path / "cache", LIMITS, threading.Event())  # fmt: skip
    HLS.run(part, ws)
    assert ws.delivered == work.receipts["held-after"].files
