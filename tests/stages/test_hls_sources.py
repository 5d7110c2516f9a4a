"""What people really drop: each source becomes a stream with every picture once, in order, at its time."""

import json
import struct
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import m3u8
import pytest
from broken_tools import instead
from clips import BITS, ffmpeg, numbers, stamped
from hls_tools import SETTINGS, check_playlists, playlists, publish
from stage_driver import LIMITS, item_of, run_stage

from vlogd.core.errors import BadInput
from vlogd.core.model import Part
from vlogd.core.settings import NoSettings
from vlogd.engine.scheduler import Candidate, Scheduler
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.stages.contract import Work
from vlogd.stages.hls.ladder import Rung
from vlogd.stages.pipeline import HLS, PROBE

CLIPS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "cfr 25": ("a.mp4", {}, ()),
    "cfr 29.97": ("a.mp4", {"rate": "30000/1001"}, ()),
    "cfr 23.976 in mkv": ("a.mkv", {"rate": "24000/1001"}, ()),
    "variable rate": ("a.mkv", {"filters": "select='not(eq(mod(n,7),3))'"}, ("-fps_mode", "vfr")),
    "a long hole": ("a.mp4", {"filters": "select='lt(n,60)+gt(n,140)'"}, ("-fps_mode", "vfr")),
    "b-frames, open GOP": (
        "a.mp4",
        {},
        ("-c:v", "libx264", "-bf", "3", "-g", "24", "-x264-params", "open-gop=1"),
    ),
    "one key frame": (
        "a.mp4",
        {},
        ("-c:v", "libx264", "-preset", "fast", "-g", "9999", "-sc_threshold", "0"),
    ),
    "hevc": ("a.mp4", {}, ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")),
    "vp9 webm": (
        "a.webm",
        {},
        ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    ),
    "transport stream": ("a.ts", {}, ("-muxdelay", "3", "-output_ts_offset", "100")),
    "mpeg-2 program stream": ("a.mpg", {}, ("-c:v", "mpeg2video", "-b:v", "2M", "-bf", "2")),
    "avi with b-frames": ("a.avi", {}, ("-c:v", "mpeg4", "-b:v", "2M", "-bf", "2")),
    "avi without b-frames": ("a.avi", {}, ("-c:v", "mpeg4", "-b:v", "2M")),
    "motion jpeg mov": ("a.mov", {}, ("-c:v", "mjpeg", "-q:v", "3")),
    "odd size": (
        "a.mkv",
        {"size": "193x109"},
        ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-preset", "ultrafast"),
    ),
    "ten bit": ("a.mp4", {}, ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-preset", "ultrafast")),
    "full range": ("a.mp4", {}, ("-c:v", "libx264", "-pix_fmt", "yuvj420p", "-preset", "ultrafast")),
    "no sound": ("a.mp4", {"sound": ""}, ()),
    "fragmented, no index": ("a.mp4", {}, ("-movflags", "frag_keyframe+empty_moov")),
    "flash video": ("a.flv", {}, ()),
    "cfr 24": ("a.mp4", {"rate": "24"}, ()),
    "cfr 30": ("a.mp4", {"rate": "30"}, ()),
    "cfr 50": ("a.mp4", {"rate": "50"}, ()),
    "cfr 60": ("a.mp4", {"rate": "60"}, ()),
    "cfr 59.94 in mkv": ("a.mkv", {"rate": "60000/1001"}, ()),
    "jitter": (
        "a.mp4",
        {"filters": "settb=1/90000,setpts='PTS+mod(N*37\\,11)*120'"},
        ("-enc_time_base", "1:90000", "-fps_mode", "passthrough", "-video_track_timescale", "90000"),
    ),
    "hevc, open GOP": (
        "a.mkv",
        {},
        (
            "-c:v",
            "libx265",
            "-preset",
            "fast",
            "-x265-params",
            "log-level=error:open-gop=1:keyint=24:bframes=4",
        ),
    ),
    "hevc in a transport stream": (
        "a.ts",
        {},
        ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25"),
    ),
    "av1": (
        "a.mp4",
        {"seconds": "4"},
        ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "25"),
    ),
    "vp8 with alpha": (
        "a.webm",
        {},
        ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "1M", "-an"),
    ),
    "prores 4:2:2, ten bit": ("a.mov", {}, ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")),
    "prores 4:4:4:4": (
        "a.mov",
        {"seconds": "4"},
        ("-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"),
    ),
    "theora": ("a.ogv", {}, ("-c:v", "libtheora", "-q:v", "8", "-c:a", "libvorbis")),
    "windows media": ("a.wmv", {}, ("-c:v", "wmv2", "-b:v", "2M", "-c:a", "wmav2")),
    "xvid in avi": ("a.avi", {}, ("-c:v", "mpeg4", "-vtag", "XVID", "-b:v", "2M", "-c:a", "libmp3lame")),
    "mpeg-2 in a transport stream": ("a.ts", {}, ("-c:v", "mpeg2video", "-b:v", "2M", "-bf", "2")),
    "a start far from zero": ("a.mkv", {}, ("-output_ts_offset", "5.04")),
    "no index": ("a.mkv", {}, ("-cluster_time_limit", "1000", "-live", "1")),
    "very wide": ("a.mp4", {"size": "1024x48"}, ()),
    "very tall": ("a.mp4", {"size": "96x640"}, ()),
}


@pytest.mark.parametrize("name", CLIPS)
def test_every_picture_is_there_once_in_order_at_its_time(name: str, tmp_path: Path) -> None:
    """The published pictures are the source's, with the source's times."""
    file, changed, options = CLIPS[name]
    keywords: dict[str, Any] = {
        key: value for key, value in changed.items() if key not in ("sound", "seconds")
    }
    source = stamped(tmp_path / file, *options, sound="sound" not in changed,
                     seconds=float(changed.get("seconds", "8")), **keywords)  # fmt: skip
    work = publish(source, tmp_path)
    check_playlists(work)
    broken = [
        one for one in check.stream(work.folder / "master.m3u8", CheckOptions(LIMITS)) if one.level == "must"
    ]
    assert broken == []
    assert not any(
        "fallback" in receipt.facts for part, receipt in work.receipts.items() if part != "video-whole"
    )
    assert ("video-whole" in work.receipts) == (name in ("avi with b-frames", "mpeg-2 program stream"))
    expected = numbers(source)
    for rendition in playlists(work).playlists:
        found = numbers(work.folder / rendition.uri)
        assert [number for _, number in found] == [number for _, number in expected]
        if "video-whole" in work.receipts:  # the file does not give every picture a time
            continue
        # The first picture is shown from the beginning of the sound on; the others when they should be.
        shift = found[1][0] - expected[1][0]
        # Containers that round times to milliseconds are exact to one of theirs.
        pairs = zip(found[1:], expected[1:], strict=True)
        assert max(abs(there - here - shift) for (there, _), (here, _) in pairs) < 0.0011


def test_no_fallback_is_used_for_a_sound_source(tmp_path: Path) -> None:
    """A plain MP4 is encoded in chunks, without any fallback."""
    work = publish(stamped(tmp_path / "a.mp4"), tmp_path)
    assert [name for name in work.receipts if name.startswith("video")] == [
        "video-0000",
        "video-0001",
        "video-0002",
        "video-0003",
    ]
    assert not any("fallback" in receipt.facts for receipt in work.receipts.values())
    inits = [
        r.files[f"{name}/init.mp4"]
        for r in work.receipts.values()
        for name in ("v108",)
        if f"{name}/init.mp4" in r.files
    ]
    assert len(inits) == 4
    assert len({mark.sha256 for mark in inits}) == 1, "all chunks share one init segment"


def test_the_copy_of_an_unindexed_film_holds_up_nobody(tmp_path: Path) -> None:
    """While sixty gigabytes are copied other drops go on; the film's own parts wait for it."""
    source = stamped(tmp_path / "a.ts", seconds=3)
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    work = Work(item_of(source), tmp_path, {"probe": probed.folder}, SETTINGS, {})
    (remux,) = HLS.parts(work)
    assert remux.name == "remux"
    scheduler = Scheduler({"cpu": 2})
    film = Candidate("film", 1.0, "hls", 1, remux)
    other = Candidate("other", 2.0, "hls", 1, Part("video-0001", order=1))
    for candidate in (film, other):
        scheduler.offer(candidate.step, [candidate])
    assert scheduler.choose() == [film, other]


def test_a_film_that_is_encoded_whole_is_not_held_in_memory(tmp_path: Path) -> None:
    """Its segments are read from the encoded file one by one."""
    options = ("-c:v", "mpeg4", "-b:v", "8M", "-bf", "2")
    source = stamped(tmp_path / "a.avi", *options, filters="noise=alls=90:allf=t", size="320x180", seconds=20)
    ladder = (Rung(height=180, max_kbps=8000), Rung(height=108, max_kbps=4000))
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    tracemalloc.start()
    work = run_stage(HLS, source, {"probe": probed.folder}, replace(SETTINGS, ladder=ladder), tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    delivered = sum(mark.size_bytes for mark in work.receipts["video-whole"].files.values())
    assert delivered > 10_000_000
    assert most < delivered / 2


def test_a_chunk_done_again_has_the_same_bytes(tmp_path: Path) -> None:
    """Two runs of the stage deliver the same files with the same digests."""
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx264", "-bf", "2", filters="noise=alls=40:allf=t")
    first = publish(source, tmp_path / "one")
    second = publish(source, tmp_path / "two")
    assert {n: r.files for n, r in first.receipts.items()} == {n: r.files for n, r in second.receipts.items()}


def test_a_growing_playlist_names_only_whole_segments(tmp_path: Path) -> None:
    """While the step is unfinished each playlist is EVENT and stops before the first missing segment."""
    work = publish(stamped(tmp_path / "a.mp4"), tmp_path)
    have = {name for receipt in work.receipts.values() for name in receipt.files}
    growing = replace(work, complete=False)
    assert HLS.view(growing, have - {"v54/00000.m4s"}).names == {}
    view = HLS.view(growing, have - {"v54/00002.m4s"})
    for name in ("v108/index.m3u8", "v54/index.m3u8", "a0/index.m3u8"):
        media = m3u8.loads(view.files[name].decode())
        assert len(media.segments) == 2
        assert media.playlist_type == "event"
        assert not media.is_endlist
    assert view.facts["playable"] is True


def test_a_turned_clip_is_shown_upright(tmp_path: Path) -> None:
    """A phone's portrait clip gets portrait renditions, judged by the short side."""
    stamped(tmp_path / "flat.mp4")
    flat = (tmp_path / "flat.mp4").read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    track = flat.index(b"tkhd")  # the matrix of the first track (ISO/IEC 14496-12, 8.3.2)
    at = flat.index(upright, track)
    (tmp_path / "turned.mp4").write_bytes(flat[:at] + turned + flat[at + len(turned) :])
    work = publish(tmp_path / "turned.mp4", tmp_path)
    assert {p.stream_info.resolution for p in playlists(work).playlists} == {(108, 192), (54, 96)}


def test_an_anamorphic_clip_gets_square_pixels(tmp_path: Path) -> None:
    """A 4:3 picture stored in 144x108 with wide pixels is published wide."""
    work = publish(stamped(tmp_path / "a.mp4", size="144x108", filters="setsar=4/3"), tmp_path)
    assert (192, 108) in {p.stream_info.resolution for p in playlists(work).playlists}
    check_playlists(work)


def test_interlaced_film_is_deinterlaced_before_it_is_cut(tmp_path: Path) -> None:
    """An interlaced source keeps its number of frames and is published progressive."""
    source = stamped(
        tmp_path / "a.mp4", "-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1", seconds=5
    )
    work = publish(source, tmp_path)
    check_playlists(work)
    assert len(numbers(work.folder / "v108/index.m3u8")) == 125


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    """A song with a cover becomes an audio stream."""
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:d=1", "-frames:v", "1", tmp_path / "cover.jpg")
    ffmpeg("-f", "lavfi", "-i", "sine=d=5", "-i", tmp_path / "cover.jpg", "-map", "0", "-map", "1", "-c:v", "copy",
           "-disposition:v", "attached_pic", tmp_path / "song.m4a")  # fmt: skip
    work = publish(tmp_path / "song.m4a", tmp_path)
    check_playlists(work)
    assert [p.stream_info.codecs for p in playlists(work).playlists] == ["mp4a.40.2"]


def test_sound_alone_is_an_audio_stream(tmp_path: Path) -> None:
    """An MP3 becomes a stream of its full length."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=7", tmp_path / "a.mp3")
    work = publish(tmp_path / "a.mp3", tmp_path)
    check_playlists(work)
    media = m3u8.loads((work.folder / "a0/index.m3u8").read_text())
    assert abs(sum(segment.duration for segment in media.segments) - 7) < 0.1


NOISE_THEN_SILENCE = "anoisesrc=d=4:a=0.5,apad=whole_dur=20"
UNTOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "a recording of a browser": ("a.webm", ("-c:a", "libopus", "-f", "webm")),
    "a variable rate of MP3": ("a.mp3", ("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0", "-f", "mp3")),
    "a variable rate of AAC": ("a.aac", ("-c:a", "aac", "-q:a", "2", "-f", "adts")),
    "fragments": ("a.m4a", ("-c:a", "aac", "-movflags", "empty_moov+default_base_moof", "-frag_duration", "1000000",
                            "-f", "mp4")),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOLD)
def test_a_sound_whose_container_tells_no_length_is_published_whole(name: str, tmp_path: Path) -> None:
    """The packets tell it."""
    file, options = UNTOLD[name]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", NOISE_THEN_SILENCE, *options, "pipe:1"]
    (tmp_path / file).write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    work = publish(tmp_path / file, tmp_path)
    check_playlists(work)
    media = m3u8.loads((work.folder / "a0/index.m3u8").read_text())
    assert abs(sum(segment.duration for segment in media.segments) - 20) < 0.15
    probed = json.loads((work.inputs["probe"] / "probe.json").read_bytes())
    assert abs(probed["media"]["duration_seconds"] - 20) < 0.15


def test_the_length_of_a_plain_mp4_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audiobook of a day is planned without reading it through: only its end is."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=7", tmp_path / "a.m4a")
    read_through = 'case "$*" in *read_intervals*) ;; *) echo it was read through >&2; exit 1 ;; esac'
    instead("ffprobe", "*duration_time*", read_through, tmp_path / "bin", monkeypatch)
    work = publish(tmp_path / "a.m4a", tmp_path)
    media = m3u8.loads((work.folder / "a0/index.m3u8").read_text())
    assert abs(sum(segment.duration for segment in media.segments) - 7) < 0.1


def test_sound_that_outlasts_the_pictures_is_heard_where_no_length_is_told(tmp_path: Path) -> None:
    """A recording of a browser, whose container has no duration."""
    silent = stamped(tmp_path / "silent.ivf", "-c:v", "libvpx", sound=False, seconds=4)
    command = ["ffmpeg", "-v", "error", "-i", silent, "-f", "lavfi", "-i", "sine=d=12", "-c:v", "copy", "-c:a", "libopus",
               "-f", "webm", "pipe:1"]  # fmt: skip
    (tmp_path / "a.webm").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    work = publish(tmp_path / "a.webm", tmp_path)
    check_playlists(work)
    media = m3u8.loads((work.folder / "a0/index.m3u8").read_text())
    assert abs(sum(segment.duration for segment in media.segments) - 12) < 0.1


def test_sound_that_starts_late_stays_in_step(tmp_path: Path) -> None:
    """A tone that begins two seconds into the film begins there in the stream too."""
    stamped(tmp_path / "silent.mp4", sound=False)
    ffmpeg("-i", tmp_path / "silent.mp4", "-itsoffset", "2", "-f", "lavfi", "-i", "sine=d=4", "-c:v", "copy", "-c:a",
           "aac", tmp_path / "late.mkv")  # fmt: skip
    work = publish(tmp_path / "late.mkv", tmp_path)
    check_playlists(work)
    found = subprocess.run(["ffmpeg", "-i", work.folder / "a0/index.m3u8", "-af", "silencedetect=n=-40dB:d=0.5", "-f",
                            "null", "-"], capture_output=True, text=True, check=True).stderr  # fmt: skip
    ends = [
        float(line.split("silence_end: ")[1].split()[0])
        for line in found.splitlines()
        if "silence_end" in line
    ]
    assert abs(ends[0] - 2.0) < 0.05


def test_hdr_is_tone_mapped(tmp_path: Path) -> None:
    """A PQ source is published as 8-bit BT.709."""
    tags = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-preset", "ultrafast",
                     "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc",
                     "-x265-params", "log-level=error", seconds=3, filters=tags)  # fmt: skip
    work = publish(source, tmp_path)
    said = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "stream=pix_fmt,color_transfer", "-of", "csv=p=0", work.folder / "v108/index.m3u8"],
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert said.split()[0] == "yuv420p,bt709"


@pytest.mark.parametrize("faststart", [True, False])
def test_a_film_that_was_cut_off(faststart: bool, tmp_path: Path) -> None:
    """With its index in front it is published as far as it goes; without one it is refused with a sentence."""
    source = stamped(tmp_path / "a.mp4", *(("-movflags", "+faststart") if faststart else ()))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 6 // 10])
    if not faststart:
        with pytest.raises(BadInput, match="index"):
            publish(source, tmp_path)
        return
    work = publish(source, tmp_path)
    found = [number for _, number in numbers(work.folder / "v108/index.m3u8")]
    assert found == list(range(len(found)))
    assert 60 < len(found) < 180


def test_damage_in_the_middle_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Pictures behind a damaged stretch are published; the artifact tells of the damage."""
    source = stamped(tmp_path / "a.mkv", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25")
    data = bytearray(source.read_bytes())
    third = len(data) // 3
    data[third : third + len(data) // 10] = bytes(len(data) // 10)
    source.write_bytes(data)
    work = publish(source, tmp_path)
    found = [number for _, number in numbers(work.folder / "v108/index.m3u8")]
    assert found[0] == 0
    assert found[-1] == 199
    assert found == sorted(found)


def test_a_long_stretch_of_damage_does_not_stop_the_rest(tmp_path: Path) -> None:
    """Not one picture of several chunks decodes: what lies before and behind them is published."""
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", seconds=24)
    data = bytearray(source.read_bytes())
    half = len(data) // 2
    data[half // 2 : half // 2 + half] = bytes(half)
    source.write_bytes(data)
    work = publish(source, tmp_path)
    found = [number for _, number in numbers(work.folder / "v108/index.m3u8")]
    assert found[:100] == list(range(100))
    assert found[-100:] == list(range(500, 600))
    assert len(found) < 400


def test_a_gap_within_a_chunk_keeps_the_rules(tmp_path: Path) -> None:
    """The frames before it end where their segment ends, and not where the next frame comes."""
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", seconds=10)
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,pos,size", "-of",
               "csv=p=0", source]  # fmt: skip
    data = bytearray(source.read_bytes())
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split():
        time, size, position = line.split(",")[:3]
        if 4 <= float(time) < 6:
            data[int(position) : int(position) + int(size)] = bytes(int(size))
    source.write_bytes(data)
    work = publish(source, tmp_path)
    assert work.receipts["video-0001"].facts["empty"] == [2]
    findings = check.stream(work.folder / "master.m3u8", CheckOptions(LIMITS))
    assert [finding for finding in findings if finding.level == "must"] == []


def test_more_than_sixty_pictures_a_second_lose_every_second(tmp_path: Path) -> None:
    """A clip of 120 pictures a second is published with 60."""
    work = publish(stamped(tmp_path / "a.mp4", rate="120", seconds=3), tmp_path)
    check_playlists(work)
    assert playlists(work).playlists[0].stream_info.frame_rate == 60
    assert [number for _, number in numbers(work.folder / "v108/index.m3u8")] == list(range(0, 360, 2))


def test_a_capture_that_begins_in_mid_gop(tmp_path: Path) -> None:
    """Pictures before the first key frame cannot be decoded; all behind it are there, in order."""
    whole = stamped(
        tmp_path / "whole.ts",
        "-c:v",
        "libx264",
        "-g",
        "50",
        "-pix_fmt",
        "yuv420p",
        "-x264-params",
        "scenecut=0",
    )
    data = whole.read_bytes()
    start = len(data) * 3 // 10 // 188 * 188
    (tmp_path / "cut.ts").write_bytes(data[start:])
    work = publish(tmp_path / "cut.ts", tmp_path)
    found = [number for _, number in numbers(work.folder / "v108/index.m3u8")]
    assert found == list(range(found[0], 200))
    assert found[0] % 50 == 0


def test_an_edit_list_hides_pictures(tmp_path: Path) -> None:
    """What an edit list cuts off at the beginning is not shown."""
    whole = stamped(tmp_path / "whole.mp4", "-c:v", "libx264", "-g", "100", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0",
                    sound=False)  # fmt: skip
    ffmpeg("-ss", "1", "-i", whole, "-c", "copy", tmp_path / "a.mp4")
    expected = numbers(tmp_path / "a.mp4")
    assert expected[0][1] == 25
    work = publish(tmp_path / "a.mp4", tmp_path, replace(SETTINGS, copy="auto"))
    check_playlists(work)
    assert [number for _, number in numbers(work.folder / "v108/index.m3u8")] == [
        number for _, number in expected
    ]


def _with_matrix(source: Path, target: Path, matrix: tuple[int, ...]) -> None:
    """A copy of an MP4 whose picture track asks for `matrix` (ISO/IEC 14496-12, 8.3.2)."""
    data = source.read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(upright, data.index(b"tkhd"))
    written = struct.pack(">9i", *matrix)
    target.write_bytes(data[:at] + written + data[at + len(written) :])


def test_a_mirrored_clip_is_shown_as_players_show_it(tmp_path: Path) -> None:
    """A selfie that asks to be mirrored is mirrored: its columns come in reverse."""
    flat = stamped(tmp_path / "flat.mp4", seconds=4)
    _with_matrix(flat, tmp_path / "a.mp4", (-(1 << 16), 0, 0, 0, 1 << 16, 0, 192 << 16, 0, 1 << 30))
    work = publish(tmp_path / "a.mp4", tmp_path, replace(SETTINGS, copy="auto"))
    check_playlists(work)
    assert "copy" not in work.receipts
    found = [number for _, number in numbers(work.folder / "v108/index.m3u8")]
    assert found == [int(f"{number:0{BITS}b}"[::-1], 2) for number in range(100)]


@pytest.mark.parametrize("size", ["1x1", "2x50", "50x2"])
def test_a_tiny_picture(size: str, tmp_path: Path) -> None:
    """One or two pixels are a video too."""
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        f"color=gray:s=64x64:r=25:d=3,format=yuv444p,crop={size.replace('x', ':')}:exact=1",
        "-c:v",
        "ffv1",
        "-pix_fmt",
        "yuv444p",
        tmp_path / "a.mkv",
    )
    work = publish(tmp_path / "a.mkv", tmp_path)
    check_playlists(work)


def test_hlg_is_tone_mapped(tmp_path: Path) -> None:
    """An HLG source is published as 8-bit BT.709."""
    tags = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-preset", "ultrafast",
                     "-color_primaries", "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc",
                     "-x265-params", "log-level=error", seconds=3, filters=tags)  # fmt: skip
    work = publish(source, tmp_path)
    assert _shown(work.folder / "v108/index.m3u8") == "yuv420p,bt709"


def _shown(playlist: Path) -> str:
    said = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=pix_fmt,color_transfer",
                           "-of", "csv=p=0", playlist], capture_output=True, text=True, check=True).stdout  # fmt: skip
    return said.split()[0]


def test_of_several_pictures_the_first_is_published(tmp_path: Path) -> None:
    """A file with two cameras is published as its first one."""
    stamped(tmp_path / "one.mp4", seconds=3)
    ffmpeg("-i", tmp_path / "one.mp4", "-f", "lavfi", "-i", "color=red:s=64x64:d=3", "-map", "0", "-map", "1", "-c:a", "copy",
           "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / "a.mp4")  # fmt: skip
    work = publish(tmp_path / "a.mp4", tmp_path)
    check_playlists(work)
    assert [number for _, number in numbers(work.folder / "v108/index.m3u8")] == list(range(75))


def silences(playlist: Path) -> list[tuple[float, float]]:
    """Where the sound is silent, seconds from the stream's beginning."""
    said = subprocess.run(["ffmpeg", "-i", playlist, "-af", "asetpts=PTS-STARTPTS,silencedetect=n=-40dB:d=0.5", "-f", "null", "-"],
                          capture_output=True, text=True, check=True).stderr  # fmt: skip
    starts = [
        float(line.split("silence_start: ")[1]) for line in said.splitlines() if "silence_start" in line
    ]
    ends = [
        float(line.split("silence_end: ")[1].split()[0])
        for line in said.splitlines()
        if "silence_end" in line
    ]
    return list(zip(starts, [*ends, 1e9], strict=False))


def test_sound_that_ends_early_or_has_a_hole_stays_in_step(tmp_path: Path) -> None:
    """Silence takes the place of what is missing, and what comes after a hole comes when it should."""
    stamped(tmp_path / "silent.mp4", sound=False)
    hole = "aselect='lt(t,2)+gte(t,4)*lt(t,6)'"
    ffmpeg("-i", tmp_path / "silent.mp4", "-f", "lavfi", "-i", "sine=d=8:sample_rate=48000", "-af", hole, "-c:v", "copy",
           "-c:a", "pcm_s16le", tmp_path / "a.mkv")  # fmt: skip
    work = publish(tmp_path / "a.mkv", tmp_path)
    check_playlists(work)
    (first, second) = silences(work.folder / "a0/index.m3u8")
    assert abs(first[0] - 2) < 0.06
    assert abs(first[1] - 4) < 0.06
    assert abs(second[0] - 6) < 0.06


@pytest.mark.parametrize(("layout", "rate"), [("mono", 22050), ("7.1", 48000), ("quad", 96000)])
def test_any_channel_layout_becomes_stereo(layout: str, rate: int, tmp_path: Path) -> None:
    """Mono, quadraphonic and 7.1 at any rate are published as stereo at 48 kHz."""
    stamped(tmp_path / "silent.mp4", sound=False, seconds=3)
    ffmpeg("-i", tmp_path / "silent.mp4", "-f", "lavfi", "-i", f"aevalsrc=0.2*sin(600*t):c={layout}:s={rate}:d=3", "-c:v", "copy",
           "-c:a", "flac", "-t", "3", tmp_path / "a.mkv") if layout != "mono" else ffmpeg(
        "-i", tmp_path / "silent.mp4", "-f", "lavfi", "-i", f"sine=r={rate}:d=3", "-c:v", "copy", "-c:a", "flac", tmp_path / "a.mkv")  # fmt: skip
    work = publish(tmp_path / "a.mkv", tmp_path)
    check_playlists(work)
    said = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=channels,sample_rate", "-of", "csv=p=0",
                           work.folder / "a0/index.m3u8"], capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert said.split()[0] == "48000,2"


def test_sound_that_changes_its_format(tmp_path: Path) -> None:
    """A capture that goes from mono at 32 kHz to stereo at 48 kHz is one track, as long as the picture."""
    for name, rate, channels in (("one", "32000", "1"), ("two", "48000", "2")):
        ffmpeg(
            "-f",
            "lavfi",
            "-i",
            f"sine=r={rate}:d=4",
            "-ac",
            channels,
            "-c:a",
            "mp2",
            "-f",
            "mp2",
            tmp_path / f"{name}.mp2",
        )
    stamped(tmp_path / "silent.mp4", sound=False)
    (tmp_path / "both.mp2").write_bytes(
        (tmp_path / "one.mp2").read_bytes() + (tmp_path / "two.mp2").read_bytes()
    )
    ffmpeg("-i", tmp_path / "silent.mp4", "-i", tmp_path / "both.mp2", "-c", "copy", tmp_path / "a.ts")
    work = publish(tmp_path / "a.ts", tmp_path)
    check_playlists(work)
    media = m3u8.loads((work.folder / "a0/index.m3u8").read_text())
    assert abs(sum(segment.duration for segment in media.segments) - 8) < 0.1
