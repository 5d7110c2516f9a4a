"""Frame rates that are made up, and target durations that are the same in all tracks."""

import json
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest
from clips import ffmpeg, numbers, stamped
from hls_tools import SETTINGS, check_playlists, playlists, publish
from stage_driver import LIMITS, run_stage

from vlogd.core.settings import NoSettings
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.stages.contract import Work
from vlogd.stages.pipeline import HLS, SUBTITLES


def faults(work: Work) -> list[str]:
    """What the gate would park it for."""
    findings = check.stream(work.folder / "master.m3u8", CheckOptions(LIMITS))
    return [finding.sentence for finding in findings if finding.level == "must"]


def notes(work: Work) -> object:
    """What people are told."""
    have = {name for receipt in work.receipts.values() for name in receipt.files}
    return HLS.view(work, have).facts["notes"]


@pytest.mark.parametrize(("file", "codec"), [("a.flv", ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")),
                                             ("a.avi", ("-c:v", "mpeg4", "-q:v", "3"))])  # fmt: skip
def test_no_frame_is_left_out_because_of_a_made_up_rate(
    file: str, codec: tuple[str, ...], tmp_path: Path
) -> None:
    """The container claims a thousand frames a second, and has thirty."""
    stamped(tmp_path / "steady.mkv", sound=False, seconds=3, rate="30")
    ffmpeg("-i", tmp_path / "steady.mkv", "-vf", "fps=1000,select='eq(n,0)+gt(scene,-1)*not(mod(n,33))'", "-fps_mode",
           "passthrough", *codec, tmp_path / file)  # fmt: skip
    expected = [number for _, number in numbers(tmp_path / file)]
    work = publish(tmp_path / file, tmp_path)
    check_playlists(work)
    described = json.loads((work.inputs["probe"] / "probe.json").read_text())["media"]["video"]
    assert described["frame_rate"] == "1000/1"
    assert [number for _, number in numbers(work.folder / "v108/index.m3u8")] == expected
    assert playlists(work).playlists[0].stream_info.frame_rate == pytest.approx(30.3, abs=0.05)
    assert notes(work) == []
    assert faults(work) == []


def test_frames_that_are_left_out_are_told(tmp_path: Path) -> None:
    """120 a second become 60; the gate counts what the source has, and finds them too few where more were asked for."""
    work = publish(stamped(tmp_path / "a.mp4", rate="120", seconds=2), tmp_path)
    assert notes(work) == ["The video has 120 frames a second; 60 of them are published."]
    assert faults(work) == []
    content = json.loads((work.folder / "stream.json").read_text())
    assert [track.get("thinned") for track in content["tracks"]] == [[240, 60], [240, 60], None]
    for track in content["tracks"][:2]:
        track["thinned"] = [240, 121]
    (work.folder / "stream.json").write_text(json.dumps(content))
    assert (
        faults(work)
        == ["The source has 240 frames, 120 are published: 60.0 a second, where 121 were asked for."] * 2
    )


@pytest.mark.parametrize("copy", ["never", "auto"])
def test_all_tracks_have_the_same_target_duration(copy: str, tmp_path: Path) -> None:
    """4.483 s of video rounds to 4, and its 4.501 s of audio to 5."""
    source = stamped(tmp_path / "a.mp4", "-g", "999", "-t", "4.483", rate="60", seconds=5)
    settings = replace(SETTINGS, segment_seconds=6, copy=copy)
    work = publish(source, tmp_path, settings)
    check_playlists(work)
    assert faults(work) == []
    uris = [item.uri for item in (*playlists(work).playlists, *playlists(work).media)]
    assert {m3u8.loads((work.folder / uri).read_text()).target_duration for uri in uris} == {5}


def test_hidden_frames_are_no_damage(tmp_path: Path) -> None:
    """VP8's alternate references are packets with times of their own, and nothing to be seen."""
    stamped(tmp_path / "a.mkv", sound=False, seconds=4)
    encode = ("-c:v", "libvpx", "-b:v", "300k", "-deadline", "good", "-cpu-used", "5", "-auto-alt-ref", "1",
              "-lag-in-frames", "16", "-passlogfile", str(tmp_path / "log"))  # fmt: skip
    ffmpeg("-i", tmp_path / "a.mkv", *encode, "-pass", "1", "-f", "null", "-")
    ffmpeg("-i", tmp_path / "a.mkv", *encode, "-pass", "2", tmp_path / "b.webm")
    ffmpeg("-i", tmp_path / "b.webm", "-c", "copy", "-bsf:v", "setts=ts=if(eq(PTS\\,NEXT_PTS)\\,PTS-1\\,PTS)",
           tmp_path / "c.webm")  # fmt: skip
    work = publish(tmp_path / "c.webm", tmp_path)
    assert not any("fallback" in receipt.facts for receipt in work.receipts.values())
    assert notes(work) == []
    assert [number for _, number in numbers(work.folder / "v108/index.m3u8")] == list(range(100))


def test_audio_tracks_that_are_left_out_are_told(tmp_path: Path) -> None:
    """Ten of them become eight."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", *["-map", "0"] * 10, "-c:a", "aac", tmp_path / "a.mka")
    work = publish(tmp_path / "a.mka", tmp_path)
    assert len(playlists(work).media) == 8
    assert notes(work) == ["The file has 10 audio tracks; 8 of them are published."]


def test_subtitles_that_begin_earlier_do_not_move_the_stream(tmp_path: Path) -> None:
    """Zero is where the picture or the sound begins."""
    stamped(tmp_path / "a.mp4", seconds=2)
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:01,500\nHello\n\n2\n00:00:02,000 --> 00:00:02,500\nWorld\n"
    )
    ffmpeg("-itsoffset", "0.8", "-i", tmp_path / "a.mp4", "-i", tmp_path / "a.srt", "-map", "0:v", "-map", "0:a", "-map", "1",
           "-c", "copy", "-c:s", "srt", tmp_path / "b.mkv")  # fmt: skip
    work = publish(tmp_path / "b.mkv", tmp_path)
    media = json.loads((work.inputs["probe"] / "probe.json").read_text())["media"]
    assert media["start_seconds"] == pytest.approx(0.79, abs=0.03)
    assert (
        numbers(work.folder / "v108/index.m3u8")[1][0] - numbers(work.folder / "v108/index.m3u8")[0][0] < 0.1
    )
    texts = run_stage(SUBTITLES, tmp_path / "b.mkv", work.inputs, NoSettings(), tmp_path).folder
    cues = [line for line in next(texts.glob("*.vtt")).read_text().splitlines() if "-->" in line]
    starts = [float(line.split()[0].partition(":")[2]) for line in cues]
    assert starts == [0, pytest.approx(2 - media["start_seconds"], abs=0.002)]
