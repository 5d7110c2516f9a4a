"""Items on their way to the trash, and back. Part of the deciding thread.

asked for -> nothing of it runs any more -> off the page and into the trash -> forgotten -> told
"""

from collections.abc import Callable, Collection
from functools import partial

from vlogd.core.log import get_logger
from vlogd.core.model import Item
from vlogd.engine.dispatcher import Dispatcher
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.state import ItemState, RemovalRequest
from vlogd.storage.journal import Journal

_log = get_logger()


class Removal:
    """`gone` hears of an item that was forgotten, `broken` of one that met something unforeseen."""

    def __init__(
        self,
        library_worker: LibraryWorker,
        library_queue: LibraryQueue,
        journal: Journal,
        dispatcher: Dispatcher,
        gone: Callable[[ItemState], None],
        broken: Callable[[str, Exception], None],
    ) -> None:
        self._library_worker = library_worker
        self._library_queue = library_queue
        self._journal = journal
        self._dispatcher = dispatcher
        self._gone = gone
        self._broken = broken

    def take_away(self, leaving: Collection[ItemState]) -> None:
        """Have those items removed of which nothing runs any more."""
        for state in leaving:
            wish = state.removal
            if wish is not None and state.at_rest() and not self._dispatcher.is_at_work(state.item.id):
                state.publishing = True
                self._library_queue.submit(
                    partial(self._library_worker.remove, state.item, wish.keep_until),
                    partial(self._taken_away, state, wish),
                    partial(self._broken, state.item.id),
                    waits_for_disk=True,
                )

    def _taken_away(self, state: ItemState, wish: RemovalRequest, _nothing: None) -> None:
        state.publishing = False
        if state.removal is not wish:  # it was asked for again meanwhile, maybe for good
            return
        self._journal.items.remove(state.item.id)
        self._dispatcher.parked_items.discard(state.item.id)
        wish.gone()
        _log.info("item.removed", item=state.item.slug)
        self._gone(state)

    def restore(self, item_id: str, accept: Callable[[Item], None], fulfilled: Callable[[], None]) -> None:
        """Bring an item back from the trash, once its disks are there, and have it accepted."""

        def restored(item: Item) -> None:
            _log.info("item.restored", item=item.slug)
            accept(item)
            fulfilled()

        def failed(error: Exception) -> None:
            _log.warning("item.not_restored", item=item_id, why=str(error))
            fulfilled()

        self._library_queue.submit(
            partial(self._library_worker.restore, item_id), restored, failed, waits_for_disk=True
        )
