"""How work is ended early: because the daemon stops, or because one item was cancelled or removed."""

from typing import Protocol

from vlogd.core.errors import Stopping


class Stop(Protocol):
    """What work checks between two steps. A `Flag` is one, and so is a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether to end now."""
        ...


class Flag:
    """Set once, from any thread or from a signal handler: unlike a `threading.Event` it takes no lock.

    Python runs handlers between two steps of the main thread, which may hold an Event's lock at that moment: setting it
    in the handler would then wait for ever. Nobody can wait for a Flag.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Have the work end."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether `set` was called."""
        return self._is_set


class Either:
    """Set as soon as any of several is."""

    def __init__(self, *stops: Stop) -> None:
        self._stops = stops

    def is_set(self) -> bool:
        """Whether any of them is set."""
        return any(stop.is_set() for stop in self._stops)


class Never:
    """For work that is never stopped."""

    def is_set(self) -> bool:
        """Never."""
        return False


def check(stop: Stop) -> None:
    """Raise Stopping if it is time to end."""
    if stop.is_set():
        raise Stopping("It was stopped and will be done again.")
