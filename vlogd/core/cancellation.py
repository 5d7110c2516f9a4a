"""When work must end early: the daemon is going down, or somebody cancelled this one item."""

from typing import Protocol

from vlogd.core.errors import Stopping


class Stop(Protocol):
    """What work asks between two steps. A `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to end now."""
        ...


class Either:
    """Set when any of several is."""

    def __init__(self, *stops: Stop) -> None:
        self._stops = stops

    def is_set(self) -> bool:
        """Whether any of them is."""
        return any(stop.is_set() for stop in self._stops)


class Never:
    """For work that nobody stops."""

    def is_set(self) -> bool:
        """Never."""
        return False


def check(stop: Stop) -> None:
    """Raise Stopping if it is time to end."""
    if stop.is_set():
        raise Stopping("It was stopped; it will be done again.")
