"""The listener that reports to systemd: READY, STATUS, WATCHDOG, RELOADING, STOPPING (sd_notify(3)).

It does nothing where systemd did not start us. sdnotify is imported here only.

A status may contain names of files and folders, and a line end begins a new assignment: so values are escaped here.
"""

import os
import time

import sdnotify

from vlogd.core.escape import escaped
from vlogd.core.events import ConfigReloaded, DaemonStopped, DaemonStopping, Event, Heartbeat

_STATUS_CHARACTERS = 500
"""At most four bytes each: systemd ignores messages of more than 4096 bytes (NOTIFY_BUFFER_MAX)."""


class SystemdNotifier:
    """Heartbeats come from the deciding loop only, so that the watchdog checks the loop itself."""

    def __init__(self) -> None:
        # Without a socket sdnotify would open one all the same and leave it open.
        self._notifier = sdnotify.SystemdNotifier() if os.environ.get("NOTIFY_SOCKET") else None
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.setblocking(
                False
            )  # a service manager that is stuck must not stop decisions
        self._is_ready = False
        self._status = ""

    def __call__(self, event: Event) -> None:
        """The first heartbeat means that the start, or a reload, is over (systemd.service(5), Type=)."""
        match event:
            case Heartbeat(status):
                if not self._is_ready:
                    self._is_ready = True
                    self._send(READY=1)
                self._send(WATCHDOG=1)
                if status.summary != self._status:
                    self._status = status.summary
                    self._send(STATUS=status.summary)
            case ConfigReloaded():
                microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                self._send(RELOADING=1, MONOTONIC_USEC=microseconds)
            case DaemonStopping():
                self._send(STOPPING=1)
            case DaemonStopped():
                self._close()

    def _send(self, **values: object) -> None:
        """One message in UTF-8: an assignment a line, each value escaped and cut to what systemd takes."""
        if self._notifier is not None:
            lines = (f"{name}={escaped(value)[:_STATUS_CHARACTERS]}" for name, value in values.items())
            utf8 = "\n".join(lines).encode()
            self._notifier.notify(utf8.decode("latin-1"))  # as sdnotify encodes it

    def _close(self) -> None:
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()
        self._notifier = None


def watchdog_seconds() -> float | None:
    """How often a heartbeat is due: half of what systemd allows (sd_watchdog_enabled(3)), or None."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or pid != str(os.getpid()):
        return None
    return int(microseconds) / 2e6
