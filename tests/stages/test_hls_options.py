"""What can be configured: a copied top rendition, other codecs, several sounds, transport streams, HDR kept."""

import subprocess
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest
from clips import ffmpeg, numbers, stamped
from hls_tools import SETTINGS, check_playlists, playlists, publish

from vlogd.stages.pipeline import HLS

COPY = replace(SETTINGS, copy="auto")
GOP = ("-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p", "-g", "30", "-x264-params", "scenecut=0")


def names(uris: list[str]) -> list[str]:
    """The folders of playlists."""
    return [uri.split("/")[0] for uri in uris]


def test_a_standard_source_is_copied_and_the_others_are_cut_with_it(tmp_path: Path) -> None:
    """The top rendition holds the source's own pictures; all renditions have the same segments."""
    source = stamped(tmp_path / "a.mp4", *GOP)
    work = publish(source, tmp_path, COPY)
    check_playlists(work)
    found = playlists(work)
    assert sorted(names([p.uri for p in found.playlists])) == ["v108-copy", "v54"]
    expected = numbers(source)
    for rendition in found.playlists:
        there = numbers(work.folder / rendition.uri)
        assert [number for _, number in there] == [number for _, number in expected]
        assert (
            max(abs(one - 10 - other) for (one, _), (other, _) in zip(there, expected, strict=True)) < 0.0001
        )
    packets = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "packet=size",
        "-of",
        "csv=p=0",
    ]
    sizes = [
        subprocess.run([*packets, path], capture_output=True, text=True, check=True).stdout.split()
        for path in (source, work.folder / "v108-copy/index.m3u8")
    ]
    assert sizes[0] == sizes[1]


def test_the_copy_is_shown_before_the_ladder_is_made(tmp_path: Path) -> None:
    """With the copy and the sound there, the whole video can be watched; the master names just them."""
    work = publish(stamped(tmp_path / "a.mp4", *GOP), tmp_path, COPY)
    early = {part: receipt for part, receipt in work.receipts.items() if not part.startswith("video")}
    have = {name for receipt in early.values() for name in receipt.files}
    view = HLS.view(replace(work, complete=False, receipts=early), have)
    master = m3u8.loads(view.names["master.m3u8"].decode())  # type: ignore[union-attr]
    assert names([p.uri.partition("/")[2] for p in master.playlists]) == ["v108-copy"]
    assert m3u8.loads(view.files["v108-copy/index.m3u8"].decode()).is_endlist
    assert view.facts["playable"] is True


NOT_STANDARD = {
    "open gop": ("a.mp4", ("-c:v", "libx264", "-bf", "3", "-g", "24", "-x264-params", "open-gop=1")),
    "ten bit": ("a.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-g", "25")),
    "4:4:4": ("a.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "25")),
    "matroska": ("a.mkv", GOP),
    "another codec": ("a.mp4", ("-c:v", "mpeg4", "-g", "25")),
    "key frames far apart": (
        "a.mp4",
        ("-c:v", "libx264", "-g", "9999", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0"),
    ),
    "too many bits": ("a.mp4", ("-c:v", "libx264", "-qp", "1", "-pix_fmt", "yuv420p", "-g", "25")),
}


@pytest.mark.parametrize("name", NOT_STANDARD)
def test_a_source_that_is_not_standard_is_encoded_anew(name: str, tmp_path: Path) -> None:
    """Nothing is copied, and the pictures are all there."""
    file, options = NOT_STANDARD[name]
    seconds = 12 if name == "key frames far apart" else 4
    noise = "noise=alls=90:allf=t" if name == "too many bits" else ""
    source = stamped(tmp_path / file, *options, seconds=seconds, filters=noise)
    work = publish(source, tmp_path, COPY)
    check_playlists(work)
    assert "copy" not in work.receipts
    assert len(numbers(work.folder / "v108/index.m3u8")) == seconds * 25


def test_a_copy_that_is_not_what_the_scan_promised_is_encoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate refuses the copy, and the chunks are made with one rendition more."""
    monkeypatch.setattr("vlogd.stages.hls.stream_copy._Cutter.finish", _refuse)
    work = publish(stamped(tmp_path / "a.mp4", *GOP), tmp_path, COPY)
    check_playlists(work)
    assert work.receipts["copy"].facts["copied"] is False
    assert {f"full-{number:04d}" for number in range(4)} <= set(work.receipts)
    assert sorted(names([p.uri for p in playlists(work).playlists])) == ["v108", "v54"]


def _refuse(_cutter: object) -> None:
    from vlogd.media.streaming.frame_times import Mismatch  # noqa: PLC0415 - the name as the code under test sees it

    raise Mismatch("a picture is missing")


@pytest.mark.parametrize(("codec", "entry"), [("hevc", "hvc1"), ("av1", "av01")])
def test_another_codec_is_made_beside_h264(codec: str, entry: str, tmp_path: Path) -> None:
    """Same sizes, same pictures at the same times, right CODECS, H.264 listed first."""
    source = stamped(tmp_path / "a.mp4", seconds=5)
    work = publish(source, tmp_path, replace(SETTINGS, codecs=("h264", codec)))
    check_playlists(work)
    found = playlists(work)
    assert found.playlists[0].stream_info.codecs.startswith("avc1")
    assert sorted(names([p.uri for p in found.playlists])) == sorted(
        ["v108", "v54", f"v108-{codec}", f"v54-{codec}"]
    )
    others = [p for p in found.playlists if p.uri.split("/")[0].endswith(codec)]
    assert all(p.stream_info.codecs.startswith(f"{entry}.") for p in others)
    expected = [number for _, number in numbers(source)]
    for rendition in others:
        assert [number for _, number in numbers(work.folder / rendition.uri)] == expected


@pytest.mark.parametrize("file", ["a.mp4", "a.ts"])
def test_the_level_is_that_of_the_frame_rate(file: str, tmp_path: Path) -> None:
    """Also where times are shifted: an encoder that takes the time base for the rate would claim level 6.2."""
    work = publish(stamped(tmp_path / file, seconds=3), tmp_path, SETTINGS)
    for variant in playlists(work).playlists:
        level = int(variant.stream_info.codecs.split(",")[0][-2:], 16)
        assert level <= 21, variant.stream_info.codecs


def test_every_sound_track_is_there_with_its_language(tmp_path: Path) -> None:
    """Three tracks, one of them 5.1: all as stereo, that one as 5.1 too; each variant in both groups."""
    stamped(tmp_path / "silent.mp4", sound=False, seconds=5)
    tones = [
        word for hertz in (300, 500) for word in ("-f", "lavfi", "-i", f"sine=frequency={hertz}:duration=5")
    ]
    ffmpeg("-i", tmp_path / "silent.mp4", *tones, "-f", "lavfi", "-i", "anullsrc=channel_layout=5.1:d=5", "-map", "0",
           "-map", "1", "-map", "2", "-map", "3", "-c:v", "copy", "-c:a", "aac", "-t", "5",
           "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:2", "language=ger",
           "-disposition:a:0", "0", "-disposition:a:1", "default", tmp_path / "a.mkv")  # fmt: skip
    work = publish(tmp_path / "a.mkv", tmp_path, replace(SETTINGS, surround_kbps=320))
    check_playlists(work)
    found = playlists(work)
    told = [(m.group_id, m.language, m.name, m.default, m.channels) for m in found.media]
    assert told == [
        ("stereo", "de", "Deutsch", "YES", "2"),
        ("stereo", "en", "English", "NO", "2"),
        ("stereo", "de", "Deutsch (3)", "NO", "2"),
        ("surround", "de", "Deutsch (3)", "YES", "6"),
    ]
    pairs = [(p.uri.split("/")[0], p.stream_info.audio) for p in found.playlists]
    assert sorted(pairs) == [("v108", "stereo"), ("v108", "surround"), ("v54", "stereo"), ("v54", "surround")]


def test_transport_stream_segments(tmp_path: Path) -> None:
    """The same pictures at the same times in MPEG-TS, without an init segment."""
    source = stamped(tmp_path / "a.mp4", *GOP)
    work = publish(source, tmp_path, replace(SETTINGS, segment_format="ts"))
    check_playlists(work)
    media = m3u8.loads((work.folder / "v108/index.m3u8").read_text())
    assert {segment.uri.split(".")[1] for segment in media.segments} == {"ts"}
    assert not list(work.folder.rglob("init.mp4"))
    found, expected = numbers(work.folder / "v108/index.m3u8"), numbers(source)
    assert [number for _, number in found] == [number for _, number in expected]
    shift = found[0][0] - expected[0][0]
    assert (
        max(abs(there - here - shift) for (there, _), (here, _) in zip(found, expected, strict=True)) < 0.0001
    )


def test_pictures_that_hardly_differ_in_size_are_made_once(tmp_path: Path) -> None:
    """A still needs no smaller rendition: what saves no tenth is left out, in all chunks."""
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "color=gray:s=192x108:r=25:d=8",
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        tmp_path / "a.mp4",
    )
    work = publish(tmp_path / "a.mp4", tmp_path, replace(SETTINGS, skip_similar=True))
    check_playlists(work)
    assert names([p.uri for p in playlists(work).playlists]) == ["v108"]
    assert work.receipts["video-0000"].facts["similar"] == ["v54"]
    assert not any(name.startswith("v54") for receipt in work.receipts.values() for name in receipt.files)


def test_hdr_is_kept_beside_sdr(tmp_path: Path) -> None:
    """A PQ source gets an HEVC rendition that stays PQ, and says so; the others are SDR."""
    tags = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-preset", "ultrafast",
                     "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc",
                     "-x265-params", "log-level=error", seconds=3, filters=tags)  # fmt: skip
    work = publish(source, tmp_path, replace(SETTINGS, keep_hdr=True))
    check_playlists(work)
    ranges = {p.uri.split("/")[0]: p.stream_info.video_range for p in playlists(work).playlists}
    assert ranges == {"v108": "SDR", "v54": "SDR", "v108-hdr": "PQ"}
    said = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=pix_fmt,color_transfer",
                           "-of", "csv=p=0", work.folder / "v108-hdr/index.m3u8"], capture_output=True, text=True, check=True)  # fmt: skip
    assert said.stdout.split()[0] == "yuv420p10le,smpte2084"


def test_iframe_playlists_lead_to_key_frames(tmp_path: Path) -> None:
    """Each byte range, behind the init segment, is one picture that can be shown by itself."""
    work = publish(stamped(tmp_path / "a.mp4"), tmp_path)
    assert {p.uri for p in playlists(work).iframe_playlists} == {"v108/iframes.m3u8", "v54/iframes.m3u8"}
    folder = work.folder / "v108"
    frames = m3u8.loads((folder / "iframes.m3u8").read_text())
    assert len(frames.segments) == 8
    assert abs(sum(s.duration for s in frames.segments) - 8) < 0.001
    for second, segment in enumerate(frames.segments):
        length, offset = map(int, segment.byterange.split("@"))
        data = (folder / segment.uri).read_bytes()[offset : offset + length]
        (tmp_path / "one.mp4").write_bytes((folder / "init.mp4").read_bytes() + data)
        assert [number for _, number in numbers(tmp_path / "one.mp4")] == [second * 25]
