"""Log lines, for people and for journald."""

import io
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from vlogd.core import log


@pytest.fixture(autouse=True)
def _reset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield
    structlog.reset_defaults()


def test_a_line_for_people() -> None:
    """Time, level, name, fields; a value with spaces, or without anything in it, is quoted."""
    stream = io.StringIO()
    log.configure(stream)
    log.get_logger().warning("file.left", file="a b", why="", part=3)
    time, rest = stream.getvalue().split(" ", 1)
    assert len(time) == len("12:34:56")
    assert rest == 'warning file.left file="a b" why="" part=3\n'


def test_a_closed_pipe_does_not_matter() -> None:
    """Whoever reads the log may end before the daemon."""
    stream = io.StringIO()
    log.configure(stream)
    stream.close()
    log.get_logger().info("vlogd.stopped")


def test_a_record_for_journald(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One field for each value; one with a line end has its length before it (Native Journal Protocol)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        monkeypatch.setattr(log, "_JOURNAL_SOCKET", str(tmp_path / "journal"))
        monkeypatch.setattr(log, "_under_systemd", lambda: True)
        log.configure()
        log.get_logger().error("part.failed", why="two\nlines", part="video")
        record = journal.recv(4096)
    assert b"MESSAGE=part.failed why=" in record
    assert b"PRIORITY=3\n" in record
    assert b"SYSLOG_IDENTIFIER=vlogd\n" in record
    assert b"VLOGD_EVENT=part.failed\n" in record
    assert b"VLOGD_PART=video\n" in record
    assert b"VLOGD_WHY\n" + struct.pack("<Q", 9) + b"two\nlines\n" in record


@pytest.mark.parametrize("variable", ["", "1", "x:y", "1:2:3", "1:2"])
def test_standard_error_is_the_journal_s_only_if_it_is_that_very_file(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A shell that systemd started has the variable, too, with its output elsewhere (systemd.exec(5))."""
    monkeypatch.setenv("JOURNAL_STREAM", variable)
    stream = io.StringIO()
    log.configure(stream)
    log.get_logger().info("vlogd.started")
    assert "vlogd.started" in stream.getvalue()


def test_without_a_configuration_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Commands print JSON on standard output, and log only what is unusual."""
    structlog.reset_defaults()
    log.get_logger().warning("encoder.missing", encoder="h264_vaapi")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("warning encoder.missing encoder=h264_vaapi\n")
