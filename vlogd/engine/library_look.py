"""A check of everything that should be there, at a start and every hour. Part of the controller's thread.

Unchanged items cost a row of the journal and some calls of stat on the library's thread, in batches that a
new drop overtakes. Only the others are surveyed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from vlogd.core.errors import Unavailable
from vlogd.core.events import Bug
from vlogd.core.model import Verified
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.policy import Policy
from vlogd.engine.services import Services
from vlogd.engine.verification import Verification

_BATCH_ITEMS = 200
"""About 20 ms on a local disk: a new drop waits for no more than one batch."""


def original_key(item_id: str) -> str:
    """The key of an item's original among what waits to be deleted (`WaitingTimes`)."""
    return f"original:{item_id}"


class LibraryLook:
    """`changed` gets the ids of items that are to be surveyed."""

    def __init__(
        self,
        policy: Policy,
        verification: Verification,
        services: Services,
        queue: LibraryQueue,
        changed: Callable[[Iterable[str]], None],
    ) -> None:
        self._verification = verification
        self._retention = policy.retention
        self._waiting = services.waiting
        self._journal = services.journal
        self._emit = services.emit
        self._queue = queue
        self._changed = changed
        self._left: deque[str] = deque()
        self._is_looking = False

    def begin(self, item_ids: Sequence[str]) -> None:
        """Look at these items, in this order. Those that the journal does not know are surveyed."""
        self._left = deque(item_ids)
        if not self._is_looking:
            self._next()

    def _next(self) -> None:
        """Have the next batch looked at; the rows of all items at once would take too much memory."""
        rows: Sequence[Verified] = ()
        while self._left and not rows:
            batch = [self._left.popleft() for _ in range(min(_BATCH_ITEMS, len(self._left)))]
            known = {item_id: row for item_id, row in self._known(batch).items() if not self._may_be_due(row)}
            self._changed([item_id for item_id in batch if item_id not in known])
            rows = tuple(known.values())
        self._is_looking = bool(rows)
        if rows:
            job = partial(self._verification.changed, rows)
            self._queue.submit(job, self._looked, partial(self._failed, rows), waits_for_disk=True)

    def _may_be_due(self, row: Verified) -> bool:
        """Whether the original may have to be archived or deleted: the item is surveyed right before that."""
        if row.ready_at is None or self._retention.originals == "keep":
            return False
        return self._waiting.may_be_over(original_key(row.item_id), self._retention.originals_seconds)

    def _known(self, item_ids: Sequence[str]) -> Mapping[str, Verified]:
        try:
            return self._journal.verified.of(item_ids)
        except Unavailable:  # a locked or damaged journal: then they are surveyed
            return {}

    def _looked(self, changed: Sequence[str]) -> None:
        self._changed(changed)
        self._next()

    def _failed(self, batch: Sequence[Verified], error: Exception) -> None:
        """An unexpected error: survey them all, which says more about each."""
        self._emit(Bug(error, "look at the library"))
        self._looked([row.item_id for row in batch])
