"""A copy that stopped is recognised by its last box."""

from pathlib import Path

import pytest
from boxes import box

from vlogd.media.cut_off import is_cut_off

HEAD = box(b"ftyp", b"isom") + box(b"moov", bytes(20))
CASES = {
    "cut within the data": (HEAD + box(b"mdat", bytes(100))[:60], True),
    "whole": (HEAD + box(b"mdat", bytes(100)), False),
    "the index is last and missing": (box(b"ftyp", b"isom") + box(b"mdat", bytes(100))[:60], False),
    "something appended": (HEAD + box(b"mdat", bytes(100)) + b"\x7f\xff\xff\xffjunk and more", False),
    "Matroska": (b"\x1a\x45\xdf\xa3" + bytes(40), False),
    "empty": (b"", False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_was_cut_off(name: str, tmp_path: Path) -> None:
    """Only where the index says what is missing."""
    data, is_cut = CASES[name]
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert is_cut_off(path) is is_cut
