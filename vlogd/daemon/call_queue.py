"""Calls from other threads to the deciding thread: their only way to reach it."""

import queue
import time
from collections.abc import Callable

from vlogd.core.events import Bug, Emit

Call = Callable[[], None]


class CallQueue:
    """`put` may be called from any thread and from a signal handler; everything else is the deciding thread's."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()  # reentrant, as a signal handler needs it

    def put(self, call: Call) -> None:
        """Have the deciding thread make `call`."""
        self._calls.put(call)

    def is_empty(self) -> bool:
        """Whether no call is waiting."""
        return self._calls.empty()

    def make_calls(self, wait_seconds: float, emit: Emit) -> None:
        """Wait for a call, at most that long, then make all waiting calls. One that raises does not affect the others."""
        try:
            call = self._calls.get(timeout=wait_seconds)
            while True:
                try:
                    call()
                except Exception as error:  # noqa: BLE001 - whatever it raises, the other calls are made
                    emit(Bug(error, "deciding"))
                call = self._calls.get_nowait()
        except queue.Empty:
            pass

    def make_calls_for(self, seconds: float, emit: Emit) -> None:
        """Make calls until that much time has passed."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.make_calls(left, emit)
