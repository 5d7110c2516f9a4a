"""Log lines, for people and for journald."""

import io
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vlogd.core import log


@pytest.fixture(autouse=True)
def _reset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield
    structlog.reset_defaults()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The journal's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "journal"))
        monkeypatch.setattr(log, "_JOURNAL_SOCKET", str(tmp_path / "journal"))
        yield end


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


def test_a_record_for_journald(journal: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """One field for each value; one with a line end has its length before it (Native Journal Protocol)."""
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


def fields_of(record: bytes) -> list[tuple[str, bytes]]:
    """The fields of a record (systemd.io, "Native Journal Protocol")."""
    fields, rest = [], record
    while rest:
        head, _, rest = rest.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", rest)
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        fields.append((name.decode(), value))
    return fields


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the socket is empty after each example
@given(st.text(st.characters(), max_size=100))
@example("a\nPRIORITY=0\nMESSAGE=all is well")
def test_no_value_becomes_a_field_of_its_own(journal: socket.socket, text: str) -> None:
    """Whatever a file is called, journald gets the same fields; and a line on a terminal is one line."""
    event = {"event": "file.failed", "level": "error", "timestamp": "", "file": text}
    log._to_journal(None, "", dict(event))
    record = fields_of(journal.recv(100_000))
    names = ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "VLOGD_EVENT", "VLOGD_FILE"]
    assert [name for name, _ in record] == names
    assert dict(record)["VLOGD_FILE"] == text.encode("utf-8", "backslashreplace")
    assert dict(record)["MESSAGE"].decode().isprintable()
    stream = io.StringIO()
    log._ToStream(stream)(None, "", dict(event))
    assert stream.getvalue().removesuffix("\n").isprintable()


def test_a_traceback_can_move_no_cursor_and_fake_no_line() -> None:
    """An error's message may hold a file's name."""
    stream = io.StringIO()
    log.configure(stream)
    log.get_logger().error("bug", exc_info=ValueError("\x1b[2J\n12:00:00 info    all.is.well"))
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("bug")
    assert others
    assert all(line.startswith("    ") and line.isprintable() for line in others)


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
