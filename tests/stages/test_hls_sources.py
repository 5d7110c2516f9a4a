"""What people really drop: each source becomes a stream with every picture once, in order, at its time."""

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest
from clips import ffmpeg, numbers, stamped
from hls_tools import check_playlists, playlists, publish

from vlogd.errors import BadInput
from vlogd.stages import HLS

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
}


@pytest.mark.parametrize("name", CLIPS)
def test_every_picture_is_there_once_in_order_at_its_time(name: str, tmp_path: Path) -> None:
    """The published pictures are the source's, with the source's times."""
    file, changed, options = CLIPS[name]
    keywords = {key: value for key, value in changed.items() if key != "sound"}
    source = stamped(tmp_path / file, *options, sound="sound" not in changed, **keywords)
    work = publish(source, tmp_path)
    check_playlists(work)
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
        shift = found[0][0] - expected[0][0]
        # Containers that round times to milliseconds are exact to one of theirs.
        assert (
            max(abs(there - here - shift) for (there, _), (here, _) in zip(found, expected, strict=True))
            < 0.0011
        )


def test_no_fallback_is_used_for_a_sound_source(tmp_path: Path) -> None:
    """A plain MP4 is encoded in chunks, without any fallback."""
    work = publish(stamped(tmp_path / "a.mp4"), tmp_path)
    assert [name for name in work.receipts if name.startswith("video")] == [
        "video-0000",
        "video-0001",
        "video-0002",
    ]
    assert not any("fallback" in receipt.facts for receipt in work.receipts.values())


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
