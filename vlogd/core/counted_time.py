"""Time as vlogd counted it itself: what a jump of the wall clock, or the time of a file, cannot move.

    counted  ──runs──▶  as the machine's running time      ──is off──▶  as the wall clock, a day at most

While vlogd runs, time is counted by the clock that nobody can set. For the time in between there is only the wall clock: it
counts if it was synchronised before and is so after, and for a day at most each time. So the count may stay behind, and
never runs ahead by more than that.
"""

from dataclasses import dataclass

from vlogd.core.clock import Reading

_MOST_UNSEEN_SECONDS = 86_400.0
"""What counts at most of the time from one run to the next, so that no wrong clock makes a month of it."""


@dataclass(frozen=True)
class Count:
    """`seconds` were counted up to a moment when the wall clock said `wall` (epoch seconds)."""

    seconds: float = 0.0
    wall: float = 0.0
    is_synchronised: bool = False


class CountedTime:
    """Goes on from what an earlier run `counted`."""

    def __init__(self, counted: Count, began: Reading) -> None:
        self._earlier = counted
        self._began = began
        self._unseen_seconds: float | None = None if counted.is_synchronised else 0.0

    def at(self, reading: Reading) -> Count:
        """The count now. It never decreases from one call to the next."""
        if self._unseen_seconds is None and reading.is_synchronised:
            began_wall = reading.wall - (reading.running - self._began.running)
            self._unseen_seconds = min(max(0.0, began_wall - self._earlier.wall), _MOST_UNSEEN_SECONDS)
        running = reading.running - self._began.running
        seconds = self._earlier.seconds + (self._unseen_seconds or 0.0) + running
        return Count(seconds, reading.wall, reading.is_synchronised)
