"""Writes the catalogue, throttled: it lists every video, and changes with every percent of progress.

Part of the controller's thread.
"""

from vlogd.engine.library_queue import LibraryQueue, not_done
from vlogd.engine.services import Services

_SHORTEST_PAUSE_SECONDS = 1.0
"""The page fetches it every few seconds; writing it more often would show nothing new."""

_PAUSE_PER_SECOND = 20.0
"""Seconds to pause for each second that writing took: a large one takes five percent of the time at most."""


class CatalogWriting:
    """`changed` is called whenever a video was published; the last state is always written in the end."""

    def __init__(self, services: Services, library_queue: LibraryQueue, wait_seconds: float) -> None:
        self._library_worker = services.worker
        self._library_queue = library_queue
        self._emit = services.emit
        self._clock = services.clock
        self._wait_seconds = wait_seconds
        self._is_wanted = False
        self._is_writing = False
        self._not_before = 0.0
        self._problem: str | None = None

    def changed(self) -> None:
        """The row of a video may have changed."""
        self._is_wanted = True

    def write_if_due(self) -> None:
        """Have it written if it changed and the pause is over."""
        if self._is_wanted and not self._is_writing and self._clock() >= self._not_before:
            self._is_wanted, self._is_writing = False, True
            job = self._library_worker.write_catalog
            self._library_queue.submit(job, self._written, self._failed, waits_for_disk=False, urgent=True)

    def due(self) -> list[float]:
        """When (monotonic seconds) it is to be written."""
        return [self._not_before] if self._is_wanted and not self._is_writing else []

    def problems(self) -> list[str]:
        """Why it cannot be written, in sentences."""
        return [self._problem] if self._problem else []

    @property
    def finished(self) -> bool:
        """Whether it is written, or waits for a disk."""
        return not self._is_writing and (not self._is_wanted or self._problem is not None)

    def _written(self, seconds: float) -> None:
        self._is_writing, self._problem = False, None
        self._not_before = self._clock() + max(_SHORTEST_PAUSE_SECONDS, _PAUSE_PER_SECOND * seconds)

    def _failed(self, error: Exception) -> None:
        self._is_writing, self._is_wanted, self._problem = False, True, str(error)
        self._not_before = self._clock() + self._wait_seconds
        self._emit(not_done(error, "writing the catalogue"))
