"""Files that promise more than they hold: what is missing is told, what is impossible is corrected or refused."""

import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import hostile_lies
import pytest
from clips import ffmpeg, stamped
from hostile_lies import replaced
from stage_driver import LIMITS, run_stage

from vlogd.core.errors import BadInput
from vlogd.media import ffprobe, refusals
from vlogd.stages import hls, probe
from vlogd.stages.hls import decoded_audio, plan
from vlogd.stages.hls.facts import AudioFacts
from vlogd.stages.hls.ladder import HlsSettings

SETTINGS = HlsSettings(preset="ultrafast", segment_seconds=2, gop_seconds=1, chunk_seconds=4, copy="never")
HEADER = bytes.fromhex("448988")
"""The id and size of a Matroska file's duration (RFC 9559, 5.1.2.10)."""


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twenty seconds of sound in MP4, the index in front."""
    path = tmp_path_factory.mktemp("tone") / "a.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=d=20:r=44100", "-c:a", "aac", "-movflags", "+faststart", path)
    return path.read_bytes()


def scanned(data: bytes, name: str, folder: Path) -> dict[str, Any]:
    """What the probe stage publishes of a file."""
    path = folder / name
    path.write_bytes(data)
    view = probe.STAGE.view(run_stage(probe.STAGE, path, {}, None, folder / "probed"), frozenset())
    return dict(view.facts)


def published(data: bytes, name: str, folder: Path) -> dict[str, Any]:
    """What probe and the stream publish of it, with the facts of the first audio part."""
    path = folder / name
    path.write_bytes(data)
    scan = run_stage(probe.STAGE, path, {}, None, folder / "probed")
    work = run_stage(hls.STAGE, path, {"probe": scan.folder}, SETTINGS, folder / "made")
    view = hls.STAGE.view(work, {name for receipt in work.receipts.values() for name in receipt.files})
    return {**view.facts, "audio-0": work.facts("audio-0", AudioFacts)}


def test_sound_that_was_cut_off_is_as_long_as_it_is(tone: bytes, tmp_path: Path) -> None:
    """Half a copy was published as a whole one whose second half is silent, without a note."""
    half = scanned(tone[: len(tone) // 2], "a.m4a", tmp_path)
    assert 9 < half["duration_seconds"] < 11
    assert half["notes"] == [
        "The file says that it lasts 20 s, but its sound ends after 10 s: is the copy complete?"
    ]
    assert not {"claimed_seconds", "undecodable"} & half.keys()
    (tmp_path / "whole").mkdir()
    assert "notes" not in scanned(tone, "whole.m4a", tmp_path / "whole")


def test_a_video_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """It is published as far as it goes, which it was without a word."""
    clip = stamped(tmp_path / "clip.mp4", "-movflags", "+faststart", seconds=4, size="96x54").read_bytes()
    assert scanned(clip[: len(clip) * 6 // 10], "a.mp4", tmp_path)["notes"] == [
        "The file is cut off, and is published as far as it goes: is the copy complete?"
    ]
    (tmp_path / "whole").mkdir()
    assert "notes" not in scanned(clip, "whole.mp4", tmp_path / "whole")


def test_an_index_without_its_data_is_refused(tone: bytes, tmp_path: Path) -> None:
    """It was published as twenty seconds of silence; an index of hours as hours."""
    with pytest.raises(BadInput) as caught:
        scanned(tone[: tone.index(b"mdat") + 4], "a.m4a", tmp_path)
    assert refusals.NO_PACKET.matches(str(caught.value))


def test_sound_of_which_nothing_decodes_is_refused(tone: bytes, tmp_path: Path) -> None:
    """All of its data are zeros."""
    body = tone.index(b"mdat") + 4
    with pytest.raises(BadInput) as caught:
        published(tone[:body] + bytes(len(tone) - body), "a.m4a", tmp_path)
    assert refusals.NO_SOUND_DECODES.matches(str(caught.value))


def test_one_of_two_tracks_is_published(tmp_path: Path) -> None:
    """A track that cannot be decoded is silent, with a note; the other one is heard."""
    path = tmp_path / "two.mka"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "sine=d=4:r=44100",
        "-map",
        "0",
        "-map",
        "0",
        "-c:a:0",
        "libmp3lame",
        "-c:a:1",
        "flac",
        path,
    )
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"\xff\xfb", at + 1)) > 0:  # each frame of the MP3 track
        data[at : at + 4] = bytes(4)
    found = published(bytes(data), "a.mka", tmp_path)
    assert found["audio-0"] == AudioFacts(found["audio-0"].missing_seconds, silent=True)
    assert found["notes"] == [
        "The file is damaged: nothing of the audio track 'Track 1' could be decoded; it is silent."
    ]


@pytest.mark.parametrize(("zeroed", "silent"), [((0.4, 0.8), False), ((0.0, 1.0), True)])
def test_holes_in_the_sound_of_a_video_are_told(
    zeroed: tuple[float, float], silent: bool, tmp_path: Path
) -> None:
    """The picture is whole. Silence took the place of the sound without a word."""
    source = stamped(tmp_path / "whole.mp4", "-movflags", "+faststart", seconds=10, size="96x54")
    data = bytearray(source.read_bytes())
    listed = _packets(source)
    for position, size in listed[int(len(listed) * zeroed[0]) : int(len(listed) * zeroed[1])]:
        data[position : position + size] = bytes(size)
    found = published(bytes(data), "a.mp4", tmp_path)
    missing = found["audio-0"].missing_seconds
    assert found["audio-0"].silent is silent
    assert 10 * (zeroed[1] - zeroed[0]) - 0.5 < missing < 10 * (zeroed[1] - zeroed[0]) + 0.5
    (note,) = found["notes"]
    assert ("nothing of the sound" in note) is silent
    assert silent or f"about {missing:.0f} s of the sound could not be decoded and are silent" in note


def _packets(source: Path) -> list[tuple[int, int]]:
    """Position and size of each packet of sound."""
    lines: list[str] = []
    ffprobe.ffmpeg.probe_lines(source, "-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0",
                               on_line=lines.append, limits=LIMITS)  # fmt: skip
    rows = [line.split(",") for line in lines if line]
    return [(int(row[1]), int(row[0])) for row in rows]


@pytest.mark.parametrize("late", [0, 3])
def test_sound_that_is_shorter_than_its_video_is_no_damage(late: int, tmp_path: Path) -> None:
    """It ends earlier, or begins later: nothing that was promised is missing."""
    source = tmp_path / "whole.mkv"
    picture = stamped(tmp_path / "picture.mkv", seconds=8, size="96x54", sound=False)
    ffmpeg("-i", picture, "-itsoffset", str(late), "-f", "lavfi", "-i", "sine=d=3", "-c:v", "copy", source)
    for name in ("a.mkv", "a.mp4"):
        (tmp_path / name).mkdir()
        ffmpeg("-i", source, "-c:v", "copy", "-c:a", "aac", tmp_path / name / name)
        found = published((tmp_path / name / name).read_bytes(), name, tmp_path / name)
        assert found["audio-0"] == AudioFacts()
        assert found["notes"] == []


def test_a_listing_of_decoded_samples() -> None:
    """As the muxer framecrc writes it; no line, no sound."""
    listing = "#software: x\n#tb 0: 1/44100\n#media_type 0: audio\n0, 0, 0, 22050, 44100, 0x1\n0, 22050, 22050, 11025, 22050, 0x2\n"
    assert decoded_audio.listed_seconds(listing) == float(Fraction(33075, 44100))
    assert decoded_audio.listed_seconds("#tb 0: 1/48000\n") == 0


def test_a_claim_of_ten_thousand_years_asks_for_no_room(tmp_path: Path) -> None:
    """An item waited for 5.7 million GiB for ever. Its estimates come from what was scanned."""
    clip = stamped(tmp_path / "clip.mkv", seconds=2, size="96x54").read_bytes()
    path = tmp_path / "a.mkv"
    path.write_bytes(replaced(clip, HEADER, 0, struct.pack(">d", hostile_lies.YEARS * 1000)))
    scan = run_stage(probe.STAGE, path, {}, None, tmp_path / "probed")
    assert json.loads((scan.folder / "probe.json").read_text())["media"]["duration_seconds"] < 3
    planned = hls.planned_parts.parts(plan.read(scan.folder, tmp_path, {}, SETTINGS))
    assert 0 < sum(part.library_bytes for part in planned) < 10 << 20


@pytest.mark.parametrize("index", ["with", "without"])
def test_a_claim_where_times_are_not_known(index: str, tmp_path: Path) -> None:
    """An AVI with B-frames is encoded in one go; its header says that it has 8 million frames."""
    clip = stamped(
        tmp_path / "clip.avi", "-c:v", "mpeg4", "-bf", "2", seconds=1, size="96x54", sound=False
    ).read_bytes()
    path = tmp_path / "a.avi"
    data = replaced(clip, b"vids", 28, struct.pack("<I", 8_000_000))
    path.write_bytes(data if index == "with" else data[: data.rindex(b"idx1")])
    scan = run_stage(probe.STAGE, path, {}, None, tmp_path / "probed")
    planned = hls.planned_parts.parts(plan.read(scan.folder, tmp_path, {}, SETTINGS))
    assert [part.name for part in planned] == ["video-whole"]
    assert planned[0].library_bytes < 1 << 20


def test_a_frame_that_stands_for_hours_asks_for_little_room(tmp_path: Path) -> None:
    """By its time, a chunk of 4 hours would take gigabytes."""
    data = hostile_lies._gaps(tmp_path)["hours.mp4"]
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    scan = run_stage(probe.STAGE, path, {}, None, tmp_path / "probed")
    planned = hls.planned_parts.parts(plan.read(scan.folder, tmp_path, {}, SETTINGS))
    assert max(part.library_bytes for part in planned) < 1 << 20


@pytest.mark.parametrize("name", ["hours.mkv", "days.mp4"])
def test_frames_that_are_days_apart_are_refused(name: str, tmp_path: Path) -> None:
    """A stream cannot say how long the frame before the gap lasts: that was a struct.error."""
    with pytest.raises(BadInput) as caught:
        scanned(hostile_lies._gaps(tmp_path)[name], name, tmp_path)
    cause = {"hours.mkv": refusals.LONG_GAP, "days.mp4": refusals.TOO_LONG}[name]
    assert cause.matches(str(caught.value))


def test_a_single_frame_of_days_is_published(tmp_path: Path) -> None:
    """An edit list shows only the first frame, and the container's rate is one in 46 hours: ffmpeg's muxer failed."""
    clip = stamped(tmp_path / "clip.mp4", seconds=1, size="96x54", sound=False).read_bytes()
    path = tmp_path / "a.mp4"
    path.write_bytes(replaced(clip, b"stts", 12, b"\x7f\xff\xff\xff"))
    scan = run_stage(probe.STAGE, path, {}, None, tmp_path / "probed")
    work = run_stage(hls.STAGE, path, {"probe": scan.folder}, SETTINGS, tmp_path / "made")
    assert (work.folder / "v54/00000.m4s").stat().st_size > 500


def test_a_picture_without_a_decoder_is_told(tmp_path: Path) -> None:
    """Its sound is published, and people know why there is no picture."""
    clip = stamped(tmp_path / "clip.mkv", seconds=1, size="96x54").read_bytes()
    facts = scanned(clip.replace(b"V_MPEG4/ISO/AVC", b"V_XXXXX/ISO/AVC"), "a.mkv", tmp_path)
    assert facts["audio_only"]
    (note,) = facts["notes"]
    assert note.startswith(
        "The file's video (an unknown format) cannot be decoded by the ffmpeg that is installed here"
    )
    assert note.endswith("only its sound is published.")
