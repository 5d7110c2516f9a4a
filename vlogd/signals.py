"""SIGTERM and SIGINT stop, SIGHUP reloads. A handler only remembers and wakes whoever listens."""

import signal
from collections.abc import Callable
from types import FrameType


class Signals:
    """Outlives the daemon that listens, so that a stop that comes during a reload is not lost."""

    def __init__(self) -> None:
        self._stopping: int | None = None
        self._listener: Callable[[int], None] = lambda _number: None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._heard)
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # it would end us: `whole.is_open_for_writing`

    def listen(self, listener: Callable[[int], None]) -> None:
        """Tell `listener` of signals from now on, and of a stop that was asked for before."""
        self._listener = listener
        if self._stopping is not None:
            listener(self._stopping)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            self._stopping = number
        self._listener(number)
