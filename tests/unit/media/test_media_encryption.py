"""Encrypted tracks are recognised, although ffprobe describes them as if they were not."""

from pathlib import Path

import pytest
from clips import ffmpeg, stamped
from stage_driver import LIMITS

from vlogd.core.errors import BadInput
from vlogd.media import encryption, ffprobe

_KEYS = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
         "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")  # fmt: skip


@pytest.mark.parametrize("flags", ["+faststart", "frag_keyframe+empty_moov"])
def test_common_encryption_is_refused(flags: str, tmp_path: Path) -> None:
    """It would be published as grey noise."""
    clear = stamped(tmp_path / "clear.mp4", seconds=1)
    ffmpeg("-i", clear, "-c", "copy", "-movflags", flags, *_KEYS, tmp_path / "a.mp4")
    with pytest.raises(BadInput, match="encrypted"):
        ffprobe.describe(tmp_path / "a.mp4", LIMITS)
    assert ffprobe.describe(clear, LIMITS).video is not None


def test_a_key_id_in_matroska_is_enough(tmp_path: Path) -> None:
    """Ffprobe lists it among the track's tags."""
    (tmp_path / "a.webm").write_bytes(b"\x1a\x45\xdf\xa3")
    encryption.check(tmp_path / "a.webm", [{"tags": {"title": "clear"}}, {}])
    with pytest.raises(BadInput, match="no key"):
        encryption.check(tmp_path / "a.webm", [{"tags": {"ENC_KEY_ID": "00"}}])


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x10moov", b"\0\0\0\x08moov", b"\0\0\0\x10moov\0\0\0\x08trak"])
def test_what_is_no_mp4_or_cut_off_is_not_encrypted(data: bytes, tmp_path: Path) -> None:
    """Others say what is wrong with it."""
    (tmp_path / "a.mp4").write_bytes(data)
    encryption.check(tmp_path / "a.mp4", [])
