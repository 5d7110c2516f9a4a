"""What proves that a file is whole, byte by byte."""

import struct
from pathlib import Path

import pytest
from boxes import box, long_box, movie
from taking import is_whole

EBML = b"\x1aE\xdf\xa3\x81\x00"
SEGMENT = b"\x18\x53\x80\x67"
FILL = b"\1" * 5

WHOLE = {
    "mp4": movie(),
    "a 64-bit mdat": box(b"ftyp", b"qt  ") + long_box(b"mdat", b"frames") + box(b"moov", FILL),
    "moov first, no ftyp": box(b"moov", FILL) + box(b"mdat", FILL),
    "matroska": EBML + SEGMENT + b"\x85" + FILL,
    "matroska with an eight-byte size": EBML + SEGMENT + b"\x01" + (5).to_bytes(7, "big") + FILL,
}

UNPROVEN = {
    "nothing": b"",
    "no moov": box(b"ftyp", b"isom") + box(b"mdat", FILL),
    "mdat to the end": box(b"ftyp", b"isom") + box(b"moov", FILL) + struct.pack(">I4s", 0, b"mdat") + FILL,
    "another first box": box(b"uuid", FILL) + box(b"moov", FILL),
    "a box of size 4": movie() + struct.pack(">I4s", 4, b"free") + FILL,
    "some bytes too many": movie() + FILL,
    "more boxes than anybody counts": movie() + box(b"free") * 100_001 + box(b"free", FILL),
    "matroska of unknown size": EBML + SEGMENT + b"\xff" + FILL,
    "matroska of a wrong size": EBML + SEGMENT + b"\x84" + FILL,
    "matroska without a segment": EBML + b"\xec\x85\x00\x00\x00" + FILL,
    "an EBML size of nine bytes": b"\x1aE\xdf\xa3\x00" + b"\xff" * 8 + FILL,
    "an EBML size of seven bytes that leads far away": b"\x1aE\xdf\xa3\x01" + b"\xfe" * 7 + FILL,
    "an EBML header that is cut off": b"\x1aE\xdf\xa3",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_proves_it_and_a_part_does_not(name: str, tmp_path: Path) -> None:
    """Not one byte may be missing."""
    path = tmp_path / "a"
    path.write_bytes(WHOLE[name])
    assert is_whole(path)
    for length in range(len(WHOLE[name])):
        path.write_bytes(WHOLE[name][:length])
        assert not is_whole(path), length


@pytest.mark.parametrize("name", UNPROVEN)
def test_what_proves_nothing(name: str, tmp_path: Path) -> None:
    """It is not refused: the settle rule decides about it."""
    path = tmp_path / "a"
    path.write_bytes(UNPROVEN[name])
    assert not is_whole(path)
