"""No two items have one address, so that nobody's page is replaced by another file. Part of the controller's thread.

An address ends in 40 bits of a digest, and two files that agree in these can be made in seconds. Ingest chooses an
address that no folder of the library has. Here each item is compared with all that the journal knows, which need not
have a folder yet: the one that comes later gets a longer address, which is written to its document before anything else
is done for it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from vlogd.core import titles
from vlogd.core.errors import Unavailable
from vlogd.core.events import Emit, MaintenanceFailed
from vlogd.core.model import Item
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import LibraryWorker
from vlogd.storage.journal import Journal

Admit = Callable[[Sequence[Item]], None]

_CANDIDATES = 4
"""The address with the item's whole id is free unless somebody foresaw that id; then there is one more, and another."""


class Addresses:
    """Items that are being given another address, and those that cannot be compared while the journal cannot be read."""

    def __init__(self, worker: LibraryWorker, queue: LibraryQueue, journal: Journal, emit: Emit) -> None:
        self._worker = worker
        self._queue = queue
        self._journal = journal
        self._emit = emit
        self._reserved: dict[str, str] = {}
        self._unsettled: list[tuple[Sequence[Item], Admit]] = []

    def settle(self, items: Sequence[Item], admit: Admit) -> None:
        """Hand on to `admit` the items that have addresses of their own, now, and the others once they do.

        Of several with the same address the first by `accepted_at` keeps it.
        """
        left = deque(sorted(items, key=lambda item: item.accepted_at))
        free: list[Item] = []
        try:
            owners = self._owners([item.slug for item in left])
            while left:
                if owners.setdefault(left[0].slug, left[0].id) == left[0].id:
                    free.append(left[0])
                else:
                    self._lengthen(left[0], admit)
                left.popleft()
        except Unavailable:
            self._unsettled.append((tuple(left), admit))
        if free:
            admit(free)

    def resume(self) -> None:
        """Try again with what could not be compared."""
        unsettled, self._unsettled = self._unsettled, []
        for items, admit in unsettled:
            self.settle(items, admit)

    def _owners(self, slugs: Sequence[str]) -> dict[str, str]:
        reserved = {slug: self._reserved[slug] for slug in slugs if slug in self._reserved}
        return {**self._journal.items.owners(slugs), **reserved}

    def _lengthen(self, item: Item, admit: Admit) -> None:
        possible = list(islice(titles.slugs_of(item.title, item.id), 1, 1 + 2 * _CANDIDATES))
        owners = self._owners(possible)
        candidates = [slug for slug in possible if owners.get(slug, item.id) == item.id][:_CANDIDATES]
        self._reserved |= dict.fromkeys(candidates, item.id)
        self._queue.submit(
            partial(self._worker.readdress, item, candidates),
            partial(self._lengthened, candidates, admit),
            partial(self._failed, candidates, item),
            waits_for_disk=True,
        )

    def _lengthened(self, candidates: Sequence[str], admit: Admit, item: Item) -> None:
        self._release(candidates)
        admit([item])

    def _failed(self, candidates: Sequence[str], item: Item, error: Exception) -> None:
        """The next look at the originals finds it again."""
        self._release(candidates)
        self._emit(MaintenanceFailed("writing a longer address", str(error), item))

    def _release(self, candidates: Sequence[str]) -> None:
        for slug in candidates:
            self._reserved.pop(slug, None)
