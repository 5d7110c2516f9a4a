"""SIGTERM and SIGINT stop, SIGHUP reloads. A handler only remembers the signal and calls the listener."""

import signal
from collections.abc import Callable
from types import FrameType


class Signals:
    """Outlives the listening daemon, so that a signal during a reload is not lost."""

    def __init__(self) -> None:
        self._stopping: int | None = None
        self._reload_is_due = False
        self._listener: Callable[[int], None] = lambda _number: None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._handle)
        signal.signal(
            signal.SIGIO, signal.SIG_IGN
        )  # a broken lease's signal, which would end us (`ingest.completeness`)

    def listen(self, listener: Callable[[int], None]) -> None:
        """Call `listener` for each signal from now on, and at once for an earlier stop or reload."""
        self._listener = listener
        if self._stopping is not None:
            listener(self._stopping)
        elif self._reload_is_due:
            listener(signal.SIGHUP)

    @property
    def stopping(self) -> bool:
        """Whether a signal to stop was received."""
        return self._stopping is not None

    def reload_begins(self) -> None:
        """The configuration is read now; a SIGHUP from now on means a later version of it."""
        self._reload_is_due = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload_is_due = True
        else:
            self._stopping = number
        self._listener(number)
