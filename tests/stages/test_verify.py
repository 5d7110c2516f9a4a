"""`vlogd verify` passes what vlogd makes, and names the fault of each damaged tree."""

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from clips import ffmpeg, stamped
from hls_tools import SETTINGS, publish
from stage_driver import LIMITS, run_stage

from vlogd.core.errors import BadInput
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.media.conformance.violations import Violation
from vlogd.stages.conformance import VerifySettings
from vlogd.stages.pipeline import VERIFY

TOP = "v108/index.m3u8"


def broken(folder: Path, decode: check.Decode = "all") -> list[Violation]:
    """The rules that must hold and do not."""
    found = check.stream(folder / "master.m3u8", CheckOptions(LIMITS, decode))
    return [one for one in found if one.level == "must"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole stream of vlogd's: two renditions, sound, 12 seconds."""
    folder = tmp_path_factory.mktemp("sound")
    source = stamped(folder / "a.mp4", seconds=12, filters="noise=alls=20:allf=t")
    return publish(source, folder, SETTINGS).folder


def edit(path: Path, old: str, new: str) -> None:
    """Change a playlist; the old text must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def shift_tfdt(path: Path, ticks: int) -> None:
    """Move all fragments of a segment."""
    data = bytearray(path.read_bytes())
    at = data.find(b"tfdt")
    while at >= 0:
        (time,) = struct.unpack_from(">Q", data, at + 8)
        struct.pack_into(">Q", data, at + 8, time + ticks)
        at = data.find(b"tfdt", at + 1)
    path.write_bytes(data)


def repeat_a_picture(path: Path) -> None:
    """Give the second sample of the first fragment the time of the first one."""
    data = bytearray(path.read_bytes())
    row = data.index(b"trun") + 16  # behind version and flags, count and data offset
    (first,) = struct.unpack_from(">I", data, row)
    (second,) = struct.unpack_from(">I", data, row + 16)
    struct.pack_into(">I", data, row, 0)
    struct.pack_into(">I", data, row + 16, first + second)
    path.write_bytes(data)


def misalign(folder: Path) -> None:
    """Cut one rendition elsewhere: its first two segments become one."""
    first, second = folder / "v54/00000.m4s", folder / "v54/00001.m4s"
    first.write_bytes(first.read_bytes() + second.read_bytes())
    edit(
        folder / "v54/index.m3u8",
        "#EXTINF:2.000000,\n00000.m4s\n#EXTINF:2.000000,\n00001.m4s",
        "#EXTINF:4.000000,\n00000.m4s",
    )
    for playlist in folder.glob("*/index.m3u8"):
        edit(playlist, "TARGETDURATION:2", "TARGETDURATION:4")


def flip(path: Path) -> None:
    """Damage coded pictures in the middle of a segment."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(byte ^ 0xFF for byte in data[middle : middle + 200])
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a missing segment": (lambda f: (f / "v108/00002.m4s").unlink(), "00002.m4s", "not there"),
    "an empty segment": (lambda f: (f / "v108/00002.m4s").write_bytes(b""), "00002.m4s", "empty"),
    "a segment that was cut off": (
        lambda f: (f / "v108/00002.m4s").write_bytes((f / "v108/00002.m4s").read_bytes()[:-100]), "00002.m4s", "cut off"),
    "a wrong EXTINF": (lambda f: edit(f / TOP, "#EXTINF:2.000000,\n00003", "#EXTINF:1.500000,\n00003"), "00003.m4s", "EXTINF says 1.500"),
    "a segment longer than the target": (
        lambda f: edit(f / TOP, "TARGETDURATION:2", "TARGETDURATION:1"), "v108", "longer than the target"),
    "a shifted tfdt": (lambda f: shift_tfdt(f / "v108/00002.m4s", 9000), "00002.m4s", "away from the end"),
    "a swapped init segment": (lambda f: shutil.copy(f / "v54/init.mp4", f / "v108/init.mp4"), "v108", "RESOLUTION says 192x108"),
    "a duplicated picture": (lambda f: repeat_a_picture(f / "v108/00001.m4s"), "00001.m4s", "same time"),
    "a segment twice": (lambda f: shutil.copy(f / "v108/00001.m4s", f / "v108/00002.m4s"), "00002.m4s", "again"),
    "misaligned renditions": (misalign, "v54", "segments"),
    "a lying BANDWIDTH": (
        lambda f: (f / "master.m3u8").write_text((f / "master.m3u8").read_text().replace("BANDWIDTH=", "BANDWIDTH=9")),
        "v108", "BANDWIDTH says 9"),
    "a lying codec": (lambda f: edit(f / "master.m3u8", 'CODECS="avc1.', 'CODECS="avc1.4d4015,avc1.'), "", ""),
    "no ENDLIST": (lambda f: edit(f / TOP, "#EXT-X-ENDLIST", ""), "v108", "ENDLIST"),
    "no MAP": (lambda f: edit(f / TOP, '#EXT-X-MAP:URI="init.mp4"\n', ""), "v108", "EXT-X-MAP"),
    "sound that is out of step": (
        lambda f: [shift_tfdt(path, 48000) for path in (f / "a0").glob("0*.m4s")], "a0", "apart"),
    "no language": (lambda f: edit(f / "master.m3u8", 'LANGUAGE="und",', ""), "a0", "LANGUAGE"),
    "a group that is not there": (lambda f: edit(f / "master.m3u8", 'AUDIO="stereo"', 'AUDIO="gone"'), "", "'gone'"),
    "damaged pictures": (lambda f: flip(f / "v108/00003.m4s"), "v108", "decode"),
    "a playlist that leaves its folder": (lambda f: edit(f / TOP, "00001.m4s", "../../../../etc/passwd"), "v108", "outside"),
    "a playlist of another server": (lambda f: edit(f / TOP, "00001.m4s", "http://127.0.0.1/x.m4s"), "v108", "another server"),
    "a media playlist that is not there": (lambda f: (f / TOP).unlink(), "v108", "not there"),
    "no master playlist": (lambda f: (f / "master.m3u8").unlink(), "master", "not there"),
    "fewer segments than planned": (
        lambda f: [edit(p, p.read_text()[p.read_text().rindex("#EXTINF"):], "#EXT-X-ENDLIST\n") for p in f.glob("*/index.m3u8")],
        "v108", "were planned"),
}  # fmt: skip


def test_what_vlogd_makes_keeps_the_rules(sound: Path) -> None:
    """Not even advice is left to give."""
    assert check.stream(sound / "master.m3u8", CheckOptions(LIMITS)) == []


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(name: str, sound: Path, tmp_path: Path) -> None:
    """Each fault is named where it is."""
    damage, where, sentence = DAMAGE[name]
    folder = tmp_path / "stream"
    shutil.copytree(sound, folder)
    if name == "a lying codec":
        edit(folder / "master.m3u8", 'CODECS="avc1.42c0', 'CODECS="avc1.4d40')
        where, sentence = "index.m3u8", "CODECS says"
    else:
        damage(folder)
    found = broken(folder, "all" if "decode" in sentence else "none")
    assert any(where in one.where and sentence in one.sentence for one in found), found


def test_a_stream_that_somebody_else_made(tmp_path: Path) -> None:
    """HLS of ffmpeg's own, as TS and as one fragmented file with byte ranges, can be looked at too."""
    source = stamped(tmp_path / "a.mp4", "-c:v", "libx264", "-g", "50", "-pix_fmt", "yuv420p", seconds=8)
    for name, options in {
        "ts": (),
        "fmp4": ("-hls_segment_type", "fmp4", "-hls_flags", "single_file"),
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        ffmpeg("-i", source, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", *options,
               "-master_pl_name", "master.m3u8", folder / "index.m3u8")  # fmt: skip
        found = check.stream(folder / "master.m3u8", CheckOptions(LIMITS))
        assert {one.rule for one in found} & {"Apple 9.14", "Apple 9.15"}
        assert not [one for one in found if one.rule in ("RFC 8216 3", "RFC 8216 4.3", "decode")], found


def test_the_gate_parks_a_stream_that_breaks_a_rule(sound: Path, tmp_path: Path) -> None:
    """The verify stage passes the stream, writes down what it saw, and refuses a damaged one with a sentence."""
    passed = run_stage(VERIFY, tmp_path / "x", {"hls": sound}, VerifySettings(), tmp_path / "one")
    assert json.loads((passed.folder / "verify.json").read_text()) == {"findings": []}
    folder = tmp_path / "stream"
    shutil.copytree(sound, folder)
    (folder / "v54/00001.m4s").unlink()
    with pytest.raises(BadInput, match=r"breaks a rule.*00001\.m4s"):
        run_stage(VERIFY, tmp_path / "x", {"hls": folder}, VerifySettings(), tmp_path / "two")


@pytest.mark.parametrize("damaged", ["v108-copy", "v54"])
def test_damage_in_copied_frames_is_the_sources(damaged: str, tmp_path: Path) -> None:
    """Frames that were copied are published as they are, with a note; what vlogd encoded has to decode."""
    options = ("-c:v", "libx264", "-g", "50", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0")
    source = stamped(tmp_path / "a.mp4", *options, seconds=6, filters="noise=alls=6:allf=t")
    stream = publish(source, tmp_path, replace(SETTINGS, copy="auto", gop_seconds=2)).folder
    flip(stream / damaged / "00001.m4s")
    if damaged == "v54":
        with pytest.raises(BadInput, match=r"breaks a rule \(decode\), v54/index.m3u8"):
            run_stage(VERIFY, source, {"hls": stream}, VerifySettings(decode="all"), tmp_path)
        return
    work = run_stage(VERIFY, source, {"hls": stream}, VerifySettings(decode="all"), tmp_path)
    assert VERIFY.view(work, set()).facts["notes"] == [
        "Some frames of the file are damaged; they are published as they are."
    ]


@pytest.mark.parametrize(
    "changed", [{"segment_format": "ts"}, {"codecs": ("h264", "hevc")}, {"copy": "auto"}]
)
def test_other_kinds_of_stream_keep_the_rules(changed: dict[str, object], tmp_path: Path) -> None:
    """Transport streams, other codecs, a copied top rendition."""
    options = ("-c:v", "libx264", "-g", "25", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0")
    source = stamped(tmp_path / "a.mp4", *options, seconds=6)
    work = publish(source, tmp_path, replace(SETTINGS, **changed))  # type: ignore[arg-type]
    assert broken(work.folder) == []
