"""The listener that writes `<state>/live.json`, from which the command line reads what only the daemon knows.

There is no API server: the file is replaced whenever the daemon's status has changed.
"""

from contextlib import suppress
from pathlib import Path

from vlogd.core import files
from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Malformed
from vlogd.core.events import Event, Heartbeat

_NAME = "live.json"

STATUS = DocumentFormat.of("the daemon's status", DaemonStatus)


class StatusFile:
    """Writes a heartbeat's status into the state folder, if it changed."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._written: DaemonStatus | None = None

    def __call__(self, event: Event) -> None:
        """Not synced to the disk: it is worthless after a crash. On a full disk the next heartbeat tries again."""
        match event:
            case Heartbeat(status) if status != self._written:
                temporary = self._state / f"{files.TEMPORARY_PREFIX}live"
                with suppress(OSError):
                    temporary.write_bytes(STATUS.encode(status))
                    temporary.replace(self._state / _NAME)
                    self._written = status


def read(state: Path) -> DaemonStatus | None:
    """The last status of a daemon; None when there is none. `daemon.lock.is_locked` says whether it still runs.

    Raises NewerFormat, and OSError when there is one that cannot be read.
    """
    try:
        return STATUS.read(state / _NAME).value
    except (FileNotFoundError, Malformed):  # a power cut may have left it empty
        return None
