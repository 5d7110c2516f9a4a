"""The deciding loop of one daemon: wait for disks, decide, beat, sleep until a call comes or something is due.

Threads: this one decides; the ingestor's owns the inboxes; the executor's pools work. They reach this one through
its queue of calls (`call_queue`). A signal handler only sets a flag and wakes the loop.
"""

import os
import signal
import time
from collections.abc import Callable

from vlogd.config import Config
from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.events import Bug, DaemonStarted, DaemonStopping, Event, Heartbeat
from vlogd.daemon.closing import close
from vlogd.daemon.disk_wait import DiskWait
from vlogd.daemon.library_check import LibraryCheck
from vlogd.daemon.pulse import Pulse
from vlogd.daemon.reload import read_again
from vlogd.daemon.signals import Signals
from vlogd.daemon.wiring import Parts
from vlogd.notify.systemd import watchdog_seconds
from vlogd.stages.pipeline import STAGES

_LONGEST_SLEEP_SECONDS = 2.0
"""How long a request of the command line waits at most."""

_SHORTEST_SLEEP_SECONDS = 0.01
"""When something is due already but could not be started: the loop must not spin."""

_PAUSE_AFTER_BUG_SECONDS = 1.0
"""After an error in deciding itself, which may recur at once."""


class Daemon:
    """`new_config`: set when a reload ended it. `has_closed`: whether all of its threads have ended."""

    def __init__(self, parts: Parts, signals: Signals, *, once: bool) -> None:
        self._parts = parts
        self._signals = signals
        self._once = once
        self._stop_signal: int | None = None
        self._has_bug = False
        self._library_check = LibraryCheck(
            parts.config, parts.state.journal, parts.controller, parts.events.emit
        )
        self._pulse = Pulse(parts, self._library_check)
        self.new_config: Config | None = None
        self.has_closed = False

    @property
    def config(self) -> Config:
        """The configuration it was started with."""
        return self._parts.config

    def run(self) -> int:
        """Work until stopped, or with `once` until nothing is left. 0, or with `once` 1 if anything failed."""
        self._signals.listen(self._on_signal)
        self._emit(Heartbeat(DaemonStatus(os.getpid(), summary="starting")))
        try:
            if not DiskWait(self._parts).wait(once=self._once):
                return 1 if self._once else 0
            self._library_check.check()
            self._parts.ingestor.start()
            self._emit(DaemonStarted(self.config.library, tuple(stage.name for stage in STAGES)))
            self._loop()
        finally:
            self._end()
        return self._exit_code()

    def _emit(self, event: Event) -> None:
        self._parts.events.emit(event)

    def _loop(self) -> None:
        while not self._parts.stop.is_set():
            self._decide()
            self._guard(self._pulse.beat_if_due)
            if self._once and (self._has_bug or self._has_finished()):
                break
            self._guard(self._sleep)

    def _decide(self) -> None:
        """An error in deciding itself must stop neither the daemon nor running parts; it is reported."""
        error = self._guard(self._parts.controller.act)
        self._pulse.trouble = f"vlogd hit an unexpected error ({error!r}); please report it." if error else ""

    def _guard(self, work: Callable[[], None]) -> Exception | None:
        """Do one step of the loop. An unexpected error is logged, and the loop continues after a pause."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - no error may end the loop
            self._emit(Bug(error, "deciding"))
            self._has_bug = True
            self._parts.calls.make_calls_for(_PAUSE_AFTER_BUG_SECONDS, self._parts.events.emit)
            return error
        return None

    def _sleep(self) -> None:
        """Sleep until a call comes or something is due; then make all waiting calls."""
        due = self._parts.controller.next_due()
        longest = min(_LONGEST_SLEEP_SECONDS, watchdog_seconds() or _LONGEST_SLEEP_SECONDS)
        if due is not None:
            longest = min(longest, max(_SHORTEST_SLEEP_SECONDS, due - time.monotonic()))
        pending = self._pulse.pending_seconds()
        if pending is not None:
            longest = min(longest, max(_SHORTEST_SLEEP_SECONDS, pending))
        self._parts.calls.make_calls(longest, self._parts.events.emit)

    def _on_signal(self, number: int) -> None:
        """Runs in a signal handler: it interrupts whatever the main thread is doing."""
        if number == signal.SIGHUP:
            self._parts.calls.put(self._reload)
        else:
            self._stop_signal = number
            self._parts.stop.set()
            self._parts.calls.put(lambda: None)  # wakes the loop

    def _reload(self) -> None:
        """A valid configuration replaces this daemon's; an invalid one changes nothing."""
        self._signals.reload_begins()
        self.new_config = read_again(self.config.path, self._parts.events.emit)
        if self.new_config is not None:
            self._parts.stop.set()

    def _has_finished(self) -> bool:
        return (
            self._parts.ingestor.is_idle()
            and self._parts.calls.is_empty()
            and self._parts.controller.finished()
        )

    def _exit_code(self) -> int:
        controller = self._parts.controller
        has_failed = bool(controller.failed_items or self._parts.notices.failed or controller.blockers)
        return 1 if self._once and (has_failed or self._has_bug) else 0

    def _end(self) -> None:
        if self._stop_signal is not None:
            self._emit(DaemonStopping(signal.Signals(self._stop_signal).name))
        self.has_closed = close(self._parts, self._is_reloading, self._pulse.say_alive_if_due)

    def _is_reloading(self) -> bool:
        return self.new_config is not None and not self._signals.stopping
