"""SIGTERM and SIGINT stop, SIGHUP reloads. A handler only remembers and wakes whoever listens."""

import signal
from collections.abc import Callable
from types import FrameType


class Signals:
    """Outlives the daemon that listens, so that a signal that comes during a reload is not lost."""

    def __init__(self) -> None:
        self._stopping: int | None = None
        self._reload_is_due = False
        self._listener: Callable[[int], None] = lambda _number: None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._heard)
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # it would end us: `whole.is_open_for_writing`

    def listen(self, listener: Callable[[int], None]) -> None:
        """Tell `listener` of signals from now on, and of a stop or a reload that was asked for before."""
        self._listener = listener
        if self._stopping is not None:
            listener(self._stopping)
        elif self._reload_is_due:
            listener(signal.SIGHUP)

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping is not None

    def reload_begins(self) -> None:
        """The configuration is read now: a reload that is asked for from now on means a later state of it."""
        self._reload_is_due = False

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload_is_due = True
        else:
            self._stopping = number
        self._listener(number)
