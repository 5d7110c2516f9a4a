"""A look at everything that should be there, at a start and every hour. Part of the controller's thread.

Items that are as they were cost a row of the journal and some calls of stat on the library's thread, in batches that a
new drop overtakes. Only the others are surveyed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice

from vlogd.core.events import Bug
from vlogd.core.model import Verified
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.services import Services
from vlogd.engine.verification import Verification

_BATCH_ITEMS = 200
"""About 20 ms on a local disk: a new drop waits for no more than one batch."""


class LibraryLook:
    """`changed` gets the ids of items that are to be surveyed."""

    def __init__(
        self,
        verification: Verification,
        services: Services,
        queue: LibraryQueue,
        changed: Callable[[Iterable[str]], None],
    ) -> None:
        self._verification = verification
        self._journal = services.journal
        self._emit = services.emit
        self._queue = queue
        self._changed = changed
        self._left: deque[Verified] = deque()
        self._is_looking = False

    def begin(self, item_ids: Sequence[str]) -> None:
        """Look at these items. Those that nothing is known of are surveyed first."""
        verified = self._journal.verified.all()
        self._changed([item_id for item_id in item_ids if item_id not in verified])
        self._left = deque(verified[item_id] for item_id in item_ids if item_id in verified)
        if not self._is_looking:
            self._next()

    def _next(self) -> None:
        batch = [*islice(self._left, _BATCH_ITEMS)]
        self._is_looking = bool(batch)
        if batch:
            self._left = deque(islice(self._left, _BATCH_ITEMS, None))
            self._queue.submit(
                partial(self._verification.changed, batch),
                self._looked,
                partial(self._failed, batch),
                waits_for_disk=True,
            )

    def _looked(self, changed: Sequence[str]) -> None:
        self._changed(changed)
        self._next()

    def _failed(self, batch: Sequence[Verified], error: Exception) -> None:
        """Something that nobody foresaw: survey them all, which says more about each."""
        self._emit(Bug(error, "look at the library"))
        self._looked([row.item_id for row in batch])
