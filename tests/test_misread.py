"""What ffmpeg says in passing about disks: full ones, and ones that failed for a moment."""

import errno
import threading
import uuid
from pathlib import Path

import pytest
from broken_tools import instead

from vlogd.core.errors import Unavailable
from vlogd.engine.executors.worker import as_trouble
from vlogd.media import ffmpeg, read_errors
from vlogd.media.process import Limits

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


def decode(source: Path, scratch: Path) -> None:
    """As a part does it: in a scratch folder of its own, by a link, with its paths in a filter too."""
    scratch = scratch / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    link = scratch / "original"
    link.symlink_to(source)
    stream = ffmpeg.source(link).filter("ametadata", "print", file=str(scratch / "stats.txt"))
    ffmpeg.run([ffmpeg.output(stream, scratch / "out.wav")], limits=LIMITS)


def test_an_error_that_passes_is_no_end_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of files was away: what came is not believed. If the file itself is why, the second try is."""
    source, other, away = tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "away"
    for path in (source, other):
        ffmpeg.run([ffmpeg.output(ffmpeg.generated("sine=d=1"), path)], limits=LIMITS)
    away.touch()
    script = f"if [ -e {away} ]; then echo 'file:original: Input/output error' >&2; fi"
    instead("ffmpeg", "*original*", script, tmp_path / "bin", monkeypatch)
    with pytest.raises(Unavailable, match=r"a\.wav could not be read for a moment"):
        decode(source, tmp_path)
    decode(source, tmp_path)
    with pytest.raises(Unavailable, match=r"b\.wav"):
        decode(other, tmp_path)
    away.unlink()
    decode(source, tmp_path)
    away.touch()
    with pytest.raises(Unavailable, match=r"a\.wav"):
        decode(source, tmp_path)


def test_what_is_remembered_of_passing_errors_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten, and would be asked once more."""
    monkeypatch.setattr(read_errors, "_MAX_RETRIED_COMMANDS", 2)
    monkeypatch.setattr(read_errors, "_retried_commands", {})
    assert [read_errors.should_retry(name) for name in "aabca"] == [True, False, True, True, True]
