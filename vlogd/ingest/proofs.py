"""Looks for proofs that files are complete, within a share of the time.

One look may take half a second, and whoever may write to an inbox can have any number of files looked at, again after
each change.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from vlogd.core.descriptors import Folder
from vlogd.ingest.completeness import proves_whole

_SHARE = 0.1
"""Of the ingest thread's time, for each inbox."""

_MOST_SECONDS = 1.0
"""That are saved up: enough for thousands of common files, which take a fraction of a millisecond each."""


class Proofs:
    """The proofs in one inbox. Where there is no time for one, the settle rule decides."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_seconds = _MOST_SECONDS
        self._since_seconds = clock()

    def has(self, folder: Folder, name: str) -> bool:
        """Whether a file proves that it is complete."""
        begin = self._clock()
        earned = _SHARE * (begin - self._since_seconds)
        self._left_seconds = min(_MOST_SECONDS, self._left_seconds + earned)
        self._since_seconds = begin
        if self._left_seconds <= 0:
            return False
        try:
            with suppress(OSError), folder.open_file(name) as file:
                return proves_whole(file)
            return False
        finally:
            self._left_seconds -= self._clock() - begin
