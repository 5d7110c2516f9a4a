"""Has the catalogue written, seldom enough: it names every video, and changes with every percent of one.

Part of the deciding thread.
"""

from collections.abc import Callable

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import LibraryWorker

_log = get_logger()

_SHORTEST_PAUSE_SECONDS = 1.0
_PAUSE_PER_SECOND = 20.0
"""How long to leave it alone for each second that it took: a large one takes five percent of the time at most."""


class CatalogWriting:
    """`changed` is called whenever a video was shown; the last state is always written in the end."""

    def __init__(
        self,
        library_worker: LibraryWorker,
        library_queue: LibraryQueue,
        clock: Callable[[], float],
        wait_seconds: float,
    ) -> None:
        self._library_worker = library_worker
        self._library_queue = library_queue
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._wanted = False
        self._asked = False
        self._not_before = 0.0
        self._trouble: str | None = None

    def changed(self) -> None:
        """A video may have another row now."""
        self._wanted = True

    def write_if_due(self) -> None:
        """Have it written if it changed and its time has come."""
        if self._wanted and not self._asked and self._clock() >= self._not_before:
            self._wanted, self._asked = False, True
            ask = self._library_queue.submit
            ask(
                self._library_worker.write_catalog,
                self._written,
                self._unwritten,
                waits_for_disk=False,
                urgent=True,
            )

    def due(self) -> list[float]:
        """When (epoch seconds) it is to be written."""
        return [self._not_before] if self._wanted and not self._asked else []

    def rests(self) -> list[str]:
        """Why it cannot be written."""
        return [self._trouble] if self._trouble else []

    @property
    def finished(self) -> bool:
        """Whether it is written, or waits for a disk."""
        return not self._asked and (not self._wanted or self._trouble is not None)

    def _written(self, seconds: float) -> None:
        self._asked, self._trouble = False, None
        self._not_before = self._clock() + max(_SHORTEST_PAUSE_SECONDS, _PAUSE_PER_SECOND * seconds)

    def _unwritten(self, error: Exception) -> None:
        self._asked, self._wanted, self._trouble = False, True, str(error)
        self._not_before = self._clock() + self._wait_seconds
        _log.warning(
            "library.waits", why=str(error), exc_info=None if isinstance(error, Unavailable) else error
        )
