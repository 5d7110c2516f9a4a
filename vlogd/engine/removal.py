"""Items on their way to the trash, and back. Part of the controller's thread.

requested -> nothing running -> off the page and into the trash -> forgotten -> reported
"""

from collections.abc import Callable, Collection
from functools import partial

from vlogd.core.events import Emit, ItemNotRestored, ItemRemoved, ItemRestored
from vlogd.core.model import Item
from vlogd.engine.dispatcher import Dispatcher
from vlogd.engine.library_queue import LibraryQueue, not_done
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.state import ItemState, RemovalRequest
from vlogd.storage.journal import Journal


class Removal:
    """`removed` is called with an item that was removed. After an unexpected error it is tried again in `wait_seconds`."""

    def __init__(
        self,
        worker: LibraryWorker,
        queue: LibraryQueue,
        journal: Journal,
        dispatcher: Dispatcher,
        emit: Emit,
        removed: Callable[[ItemState], None],
        wait_seconds: float,
    ) -> None:
        self._worker = worker
        self._queue = queue
        self._journal = journal
        self._dispatcher = dispatcher
        self._emit = emit
        self._removed = removed
        self._wait_seconds = wait_seconds
        self._unanswered: list[RemovalRequest] = []

    def take_away(self, leaving: Collection[ItemState]) -> None:
        """Start removing those items that have nothing running any more."""
        self._answer()
        for state in leaving:
            if self._dispatcher.is_at_work(state.item.id):
                continue
            request = state.removal_begins()
            if request is not None:
                self._remove(state, request)

    def _remove(self, state: ItemState, request: RemovalRequest, after_seconds: float = 0.0) -> None:
        self._queue.submit(
            partial(self._worker.remove, state.item, request.keep_until),
            partial(self._removal_ended, state, request),
            partial(self._removal_failed, state, request),
            waits_for_disk=True,
            after_seconds=after_seconds,
        )

    def _removal_failed(self, state: ItemState, request: RemovalRequest, error: Exception) -> None:
        """What was requested is still to be done."""
        self._emit(not_done(error, "removal", state.item))
        self._remove(state, request, self._wait_seconds)

    def restore(self, item_id: str, accept: Callable[[Item], None], fulfilled: Callable[[], None]) -> None:
        """Bring an item back from the trash, once its disks are there, and have it accepted."""

        def restored(item: Item) -> None:
            self._emit(ItemRestored(item))
            accept(item)
            fulfilled()

        def failed(error: Exception) -> None:
            self._emit(ItemNotRestored(item_id, str(error)))
            fulfilled()

        self._queue.submit(partial(self._worker.restore, item_id), restored, failed, waits_for_disk=True)

    def _removal_ended(self, state: ItemState, request: RemovalRequest, _nothing: None) -> None:
        if not state.removal_ended(request):
            return  # it was requested again meanwhile, perhaps for good: `take_away` continues
        self._journal.items.remove(state.item.id)
        self._unanswered.append(request)
        self._answer()
        self._emit(ItemRemoved(state.item))
        self._removed(state)

    def _answer(self) -> None:
        """Report removals once the journal has them written: after a crash before that they are requested again."""
        while self._unanswered and not self._journal.trouble:
            self._unanswered.pop(0).on_done()
