"""What ffmpeg says in passing about disks: full ones, and ones that failed for a moment."""

import errno
import threading
from pathlib import Path

import pytest
from broken_tools import instead

from vlogd import ffmpeg
from vlogd.errors import Unavailable
from vlogd.process import Limits
from vlogd.runner import as_trouble

LIMITS = Limits()


def test_a_full_disk_is_a_pause() -> None:
    """The real ffmpeg on the real full device."""
    tone = ffmpeg.generated("sine=d=1")
    with pytest.raises(OSError, match="No space left on device") as caught:
        ffmpeg.run([ffmpeg.output(tone, Path("/dev/full"), f="s16le")], limits=LIMITS)
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(as_trouble(caught.value, threading.Event()), Unavailable)


@pytest.mark.parametrize("kind", ["No space left on device", "Disk quota exceeded", "Read-only file system"])
def test_an_output_that_could_not_be_closed_is_short(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ffmpeg 5.1 ends well then, seen on a small tmpfs."""
    script = f"echo 'Error closing file x.mp4: {kind}' >&2; exit 0"
    instead("ffmpeg", "*tone.wav*", script, tmp_path / "bin", monkeypatch)
    with pytest.raises(OSError, match=kind):
        ffmpeg.run([ffmpeg.output(ffmpeg.generated("sine=d=1"), tmp_path / "tone.wav")], limits=LIMITS)
