"""Logging, set up once: lines for people on a terminal or in a file, fields for journald under systemd.

What happens to videos is an event (`core.events`), which `notify.log_events` writes with this; other modules log only
what is not an event, such as a damaged journal. structlog is imported here only. Names of dropped files end up in log
lines, so every value is escaped: no file name can break a line or colour a terminal.
"""

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from vlogd.core.escape import escaped

_JOURNAL_SOCKET = "/run/systemd/journal/socket"
_PRIORITY = {"info": 6, "warning": 4, "error": 3}
"""syslog's levels, as journald and `journalctl -p` know them (sd-daemon(3))."""

_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN = "\x1b[0m"
"""Yellow, red, and the terminal's own (ECMA-48, SGR)."""


class Logger:
    """Writes lines that have a short name and fields: `log.info("step.done", stage="hls")`.

    `exc_info`, an exception, adds its traceback.
    """

    def info(self, name: str, **fields: Any) -> None:
        """Something happened as intended."""
        _write("info", name, fields)

    def warning(self, name: str, **fields: Any) -> None:
        """Something failed; vlogd recovers by itself or waits for a person."""
        _write("warning", name, fields)

    def error(self, name: str, **fields: Any) -> None:
        """Something is wrong with vlogd, its configuration or its own files."""
        _write("error", name, fields)


def get_logger() -> Logger:
    """A logger; all of them write to the same place."""
    return Logger()


def configure(stream: TextIO | None = None) -> None:
    """Write to journald when systemd started us, else to `stream` (standard error)."""
    import structlog  # noqa: PLC0415 - see `_write`

    writer: Any = _to_journal if _under_systemd() else _ToStream(stream or sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            writer,
        ],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _write(level: str, name: str, fields: Mapping[str, Any]) -> None:
    """Commands that log nothing don't load structlog, a fifth of the time that `vlogd status` takes.

    Where it is not configured, lines go to standard error: structlog's own default is standard output, where
    they would break the JSON of `vlogd plan --json`.
    """
    import structlog  # noqa: PLC0415 - see above

    if not structlog.is_configured():
        configure()
    getattr(structlog.get_logger(), level)(name, **fields)


def _under_systemd() -> bool:
    """Whether our standard error is the journal's (systemd.exec(5), `$JOURNAL_STREAM`)."""
    with contextlib.suppress(OSError, ValueError):
        device, inode = (int(number) for number in os.environ.get("JOURNAL_STREAM", "").split(":"))
        stderr = os.fstat(2)
        return (stderr.st_dev, stderr.st_ino) == (device, inode) and Path(_JOURNAL_SOCKET).exists()
    return False


def _line(event: Mapping[str, Any]) -> str:
    fields = {k: v for k, v in event.items() if k not in ("event", "level", "timestamp", "exception")}
    pairs = [f"{key}={_quoted(value)}" for key, value in fields.items()]
    return " ".join([escaped(event["event"]), *pairs])


def _quoted(value: Any) -> str:
    text = escaped(value)
    return f'"{text}"' if " " in text or not text else text


class _ToStream:
    """The last processor for a terminal or a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._has_colour = stream.isatty()

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
        level = str(event["level"])
        colour = _COLOURS.get(level, "") if self._has_colour else ""
        line = f"{event['timestamp']} {colour}{level:<7}{_PLAIN if colour else ''} {_line(event)}"
        if event.get("exception"):
            # A name in an error's message can fake no line: all of them are escaped and indented.
            line += "".join(f"\n    {escaped(traced)}" for traced in str(event["exception"]).split("\n"))
        with contextlib.suppress(OSError, ValueError):  # a closed pipe must not end the daemon
            print(line, file=self._stream, flush=True)
        return line


def _to_journal(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """The last processor under systemd: journald's native protocol, one field per value."""
    fields = {
        "MESSAGE": _line(event),
        "PRIORITY": _PRIORITY[str(event["level"])],
        "SYSLOG_IDENTIFIER": "vlogd",
        **{
            f"VLOGD_{key.upper()}": value for key, value in event.items() if key not in ("level", "timestamp")
        },
    }
    data = b"".join(_journal_field(key, str(value)) for key, value in fields.items())
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(data, _JOURNAL_SOCKET)
    return str(fields["MESSAGE"])


def _journal_field(key: str, text: str) -> bytes:
    """One field; a value with a newline needs its length (systemd.io, "Native Journal Protocol")."""
    value = text.encode("utf-8", "backslashreplace")
    if b"\n" in value:
        return key.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return key.encode() + b"=" + value + b"\n"
