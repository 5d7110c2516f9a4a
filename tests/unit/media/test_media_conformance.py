"""A published stream, built box by box, against the rules: each fault is a finding, never a hang or a traceback."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from boxes import aac_entry, box, fragment, full_box, init_segment, media_header, run

from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.media.conformance.violations import Violation
from vlogd.media.process import Limits

OPTIONS = CheckOptions(Limits(), decode="none")

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,URI="a0/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=4500,AVERAGE-BANDWIDTH=4500,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=192x108,FRAME-RATE=25.000,AUDIO="a"
v/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=4500,AVERAGE-BANDWIDTH=4500,CODECS="avc1.640028",RESOLUTION=192x108,URI="v/iframes.m3u8"
"""
MEDIA = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:1
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init.mp4"
#EXTINF:0.200,
0.m4s
#EXTINF:0.200,
1.m4s
#EXT-X-ENDLIST
"""
IFRAMES = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:1
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-I-FRAMES-ONLY
#EXT-X-MAP:URI="init.mp4"
#EXTINF:0.200,
#EXT-X-BYTERANGE:100@0
0.m4s
#EXT-X-ENDLIST
"""
STEP = 5 * 3600


def build(folder: Path) -> Path:
    """Two segments of video and two of audio; the master playlist."""
    (folder / "v").mkdir(parents=True)
    (folder / "a0").mkdir()
    (folder / "v/init.mp4").write_bytes(init_segment())
    (folder / "a0/init.mp4").write_bytes(init_segment(entry=aac_entry(), kind=b"soun"))
    for name in ("v", "a0"):
        (folder / name / "index.m3u8").write_text(MEDIA)
        for number in range(2):
            (folder / name / f"{number}.m4s").write_bytes(fragment(time=900_000 + number * STEP))
    (folder / "v/iframes.m3u8").write_text(IFRAMES)
    (folder / "master.m3u8").write_text(MASTER)
    return folder / "master.m3u8"


def bits_per_second(folder: Path) -> int:
    """The measured rate of both tracks together."""
    return sum((folder / name / "0.m4s").stat().st_size * 8 * 5 for name in ("v", "a0"))


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    """A change of a text file; the old text must be there."""

    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edit


def replaced(name: str, data: bytes) -> Callable[[Path], object]:
    """Other bytes for a file."""
    return lambda folder: (folder / name).write_bytes(data)


def test_what_is_built_here_keeps_the_rules(tmp_path: Path) -> None:
    """But for the rates, which a test sets."""
    master = build(tmp_path)
    edited("master.m3u8", "=4500", f"={bits_per_second(tmp_path)}")(tmp_path)
    assert check.stream(master, OPTIONS) == []


FAULTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a child of size 0 in a moof": (
        replaced("v/1.m4s", fragment(inside=struct.pack(">I4s", 0, b"free"))), "v/index.m3u8 1.m4s", "boxes make no sense"),
    "no mdhd": (replaced("v/init.mp4", init_segment(header=box(b"free"))), "v/index.m3u8", "no mdhd box"),
    "a short mdhd": (replaced("v/init.mp4", init_segment(header=box(b"mdhd", b"\0"))), "v/index.m3u8", "too short"),
    "a timescale of 0": (replaced("v/init.mp4", init_segment(header=media_header(0))), "v/index.m3u8", "timescale is 0"),
    "a short sample entry": (replaced("v/init.mp4", init_segment(entry=box(b"avc1"))), "v/index.m3u8", "too short"),
    "an empty init segment": (replaced("v/init.mp4", b""), "v/index.m3u8", "no moov box"),
    "4 billion samples": (replaced("v/1.m4s", fragment(trun=run(0xFFFFFFFF))), "v/index.m3u8 1.m4s", "more than there is room"),
    "a fragment without samples": (replaced("v/1.m4s", fragment(trun=run(0))), "v/index.m3u8 1.m4s", "no samples"),
    "a time of 64 bits": (
        replaced("v/1.m4s", fragment(tfdt=full_box(b"tfdt", 1, 0, b"\xff" * 8))), "v/index.m3u8 1.m4s", "too large"),
    "no segment": (edited("a0/index.m3u8", MEDIA[MEDIA.index("#EXTINF"):], "#EXT-X-ENDLIST\n"), "a0/index.m3u8", "no segment"),
    "a duration that is none": (edited("v/index.m3u8", "#EXTINF:0.200", "#EXTINF:nan"), "v/index.m3u8", "lasts nan s"),
    "an endless duration": (edited("v/index.m3u8", "#EXTINF:0.200", "#EXTINF:inf"), "v/index.m3u8", "lasts inf s"),
    "a negative duration": (edited("v/index.m3u8", "#EXTINF:0.200", "#EXTINF:-1"), "v/index.m3u8", "lasts -1.0 s"),
    "a byte range before the file": (edited("v/iframes.m3u8", "100@0", "100@-5"), "v/iframes.m3u8", "not a byte range"),
    "a byte range of words": (edited("v/iframes.m3u8", "100@0", "all"), "v/iframes.m3u8", "not a byte range"),
    "a byte range behind the file": (edited("v/iframes.m3u8", "100@0", "100@99999"), "v/iframes.m3u8", "does not begin with a moof"),
    "an address that is none": (edited("v/index.m3u8", "1.m4s", "//["), "v/index.m3u8", "not the address of a file"),
    "an address with a zero byte": (edited("v/index.m3u8", "1.m4s", "%00"), "v/index.m3u8", "not the address of a file"),
    "a size without width": (edited("master.m3u8", "RESOLUTION=192x108,F", "RESOLUTION=0x108,F"), "master.m3u8", "RESOLUTION"),
    "a bandwidth of a hundred digits": (edited("master.m3u8", "=4500", "=" + "9" * 100), "master.m3u8", "out of range"),
    "a pipe for a playlist": (
        lambda f: [(f / "v/index.m3u8").unlink(), os.mkfifo(f / "v/index.m3u8")], "v/index.m3u8", "not a file"),
    "a folder for a segment": (lambda f: [(f / "v/1.m4s").unlink(), (f / "v/1.m4s").mkdir()], "1.m4s", "not there"),
    "links in a circle": (
        lambda f: [(f / "v/1.m4s").unlink(), (f / "v/1.m4s").symlink_to("1.m4s")], "v/index.m3u8", ""),
    "a plan of another kind": (replaced("stream.json", b"[]"), "stream.json", "cannot be read"),
}  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_a_finding(name: str, tmp_path: Path) -> None:
    """It says where, and what."""
    damage, where, sentence = FAULTS[name]
    master = build(tmp_path)
    damage(tmp_path)
    assert any(where in one.where and sentence in one.sentence for one in broken(master)), broken(master)


def broken(master: Path) -> list[Violation]:
    """The rules that must hold and do not."""
    return [one for one in check.stream(master, OPTIONS) if one.level == "must"]
