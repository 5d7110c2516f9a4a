"""Which packets of VP8 and VP9 are decoded to no picture."""

from pathlib import Path

import pytest

from vlogd.media import hidden_frames

MATROSKA = "matroska,webm"


@pytest.mark.parametrize(("container", "codec", "packet", "is_hidden"), [
    (MATROSKA, "vp8", b"\x81\0\x28\0" + b"\xc1data", True),
    (MATROSKA, "vp8", b"\x81\0\x28\0" + b"\xf1data", False),
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\x84data", True),
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\x86data", False),
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\x88data", False),  # shows a frame that was decoded before
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\x84dat\xc9", False),  # a superframe
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\xb0data", True),  # profile 3
    (MATROSKA, "vp9", b"\x81\0\x28\0" + b"\xb1data", False),
    (MATROSKA, "vp8", b"\x81\0\x28\x06" + b"\xc1data", False),  # laced: not looked into
    (MATROSKA, "vp8", b"\x41\0\x28\0" + b"\xc1data", False),  # a track number of two bytes
    (MATROSKA, "h264", b"\x81\0\x28\0" + b"\xc1data", False),
    ("ivf", "vp8", bytes(12) + b"\xc1data", True),
    ("ivf", "vp8", bytes(12) + b"\xf1data", False),
    ("flv", "vp8", bytes(12) + b"\xc1data", False),
    ("ivf", "vp8", b"", False),
])  # fmt: skip
def test_the_flags_of_a_frame_say_it(
    container: str, codec: str, packet: bytes, is_hidden: bool, tmp_path: Path
) -> None:
    """In the first byte of its data."""
    path = tmp_path / "a"
    path.write_bytes(b"before" + packet)
    with hidden_frames.finder(path, container, codec) as test:
        assert test(6, 5) is is_hidden
        assert test(0, 0) is False
        assert test(10**6, 5) is False
