"""Tells systemd how we are: READY, STATUS, WATCHDOG, STOPPING (sd_notify(3)). No-op elsewhere.

sdnotify is imported here only.
"""

import os
import time

import sdnotify


class Notifier:
    """Speaks to the service manager that started us."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        if self._notifier.socket is not None:
            self._notifier.socket.setblocking(
                False
            )  # a listener that does not listen must not stop decisions
        self._status = ""

    def ready(self) -> None:
        """Start-up is over."""
        self._notifier.notify("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent only when it changed."""
        if text != self._status:
            self._status = text
            self._notifier.notify(f"STATUS={text}")

    def alive(self) -> None:
        """Called from the deciding loop only, so that it proves that decisions are made."""
        self._notifier.notify("WATCHDOG=1")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` says when that is over (systemd.service(5), Type=)."""
        self._notifier.notify(
            f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
        )

    def stopping(self) -> None:
        """An orderly stop has begun."""
        self._notifier.notify("STOPPING=1")


def watchdog_seconds() -> float | None:
    """How often to call `alive`: half of what systemd allows (sd_watchdog_enabled(3)), or None."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or pid != str(os.getpid()):
        return None
    return int(microseconds) / 2e6
