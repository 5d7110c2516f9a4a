"""What an init segment says of its track."""

import struct
from collections.abc import Callable

import pytest
from boxes import aac_entry, box, full_box, init_segment, media_header

from vlogd.media.isobmff import BoxError
from vlogd.media.streaming import codecs
from vlogd.media.streaming.codecs import InitTrack


def visual(kind: bytes, *boxes: bytes) -> bytes:
    """A sample entry of 1920x1080 with these boxes."""
    return box(kind, bytes(24), struct.pack(">HH", 1920, 1080), bytes(50), *boxes)


HEVC = bytes.fromhex("0102200000009000000000009900")
"""Main 10, compatible with itself only, Main tier, level 5.1, one constraint byte (as in ISO/IEC 14496-15, annex E)."""

CODECS = {
    "avc1.640028": init_segment(),
    "hvc1.2.4.L153.90": init_segment(entry=visual(b"hvc1", box(b"hvcC", HEVC))),
    "av01.0.04M.08": init_segment(entry=visual(b"av01", box(b"av1C", b"\x81\x04\x0c\0"))),
    "av01.0.13H.10": init_segment(entry=visual(b"av01", box(b"av1C", b"\x81\x0d\xcc\0"))),
    "av01.2.31M.12": init_segment(entry=visual(b"av01", box(b"av1C", b"\x81\x5f\x6c\0"))),
    "mp4a.40.2": init_segment(entry=aac_entry(), kind=b"soun"),
    "": init_segment(entry=visual(b"vp09", box(b"vpcC", bytes(12)))),
}


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_are_spelt_as_rfc_6381_wants(codec: str) -> None:
    """H.264, HEVC, AV1 and AAC; "" for what vlogd does not write."""
    assert codecs.codec(CODECS[codec]) == codec


def test_an_init_track() -> None:
    """Codec, timescale, sample entry and size of the frames; audio has no size."""
    assert codecs.init_track(init_segment()) == InitTrack(
        is_video=True, timescale=90_000, sample_entry="avc1", codec="avc1.640028", frame_size=(192, 108)
    )
    sound = init_segment(entry=aac_entry(), header=media_header(48_000), kind=b"soun")
    assert codecs.init_track(sound) == InitTrack(
        is_video=False, timescale=48_000, sample_entry="mp4a", codec="mp4a.40.2", frame_size=None
    )


def test_an_encrypted_track_names_what_it_was() -> None:
    """`enca` and `encv` keep the codec that is inside (ISO/IEC 14496-12, 8.12)."""
    entry = box(b"enca", bytes(28), box(b"sinf", box(b"frma", b"mp4a")))
    assert codecs.codec(init_segment(entry=entry, kind=b"soun")) == "mp4a.40.2"
    avc = box(b"avcC", bytes((1, 0x4D, 0x40, 0x1F)))
    assert codecs.codec(init_segment(entry=visual(b"encv", avc))) == "avc1.4d401f"


NONSENSE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no moov": lambda: box(b"ftyp", b"isom"),
    "no trak": lambda: box(b"moov", box(b"mvhd")),
    "no mdhd": lambda: init_segment(header=box(b"free")),
    "a short mdhd": lambda: init_segment(header=box(b"mdhd", b"\0\0\0")),
    "a timescale of 0": lambda: init_segment(header=media_header(0)),
    "a stsd without entries": lambda: init_segment(entry=b""),
    "an entry too short for a size": lambda: init_segment(entry=box(b"avc1", bytes(20))),
    "an avcC of two bytes": lambda: init_segment(entry=visual(b"avc1", box(b"avcC", b"\1\x64"))),
    "an hvcC of two bytes": lambda: init_segment(entry=visual(b"hvc1", box(b"hvcC", b"\1\2"))),
    "an av1C of two bytes": lambda: init_segment(entry=visual(b"av01", box(b"av1C", b"\1\2"))),
    "no frma in an encrypted entry": lambda: init_segment(
        entry=box(b"enca", bytes(28), box(b"sinf")), kind=b"soun"
    ),
    "a box of size 0": lambda: init_segment(header=struct.pack(">I4s", 0, b"mdhd")),
    "a cut sample description": lambda: init_segment()[:-40] + full_box(b"free", 0, 0),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_init_segment_that_makes_no_sense(name: str) -> None:
    """A BoxError, and no codec."""
    with pytest.raises(BoxError):
        codecs.init_track(NONSENSE[name]())
    assert codecs.codec(NONSENSE[name]()) == ""
