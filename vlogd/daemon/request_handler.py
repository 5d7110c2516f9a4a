"""What the daemon does about each request of the command line."""

import time
from collections.abc import Callable

from vlogd.core.events import Emit, ItemCancelled, ItemRemoving, ItemRetried
from vlogd.daemon.requests import Request
from vlogd.engine.controller import Controller
from vlogd.engine.state import RemovalRequest
from vlogd.storage.journal import Journal
from vlogd.storage.retention import Retention


class RequestHandler:
    """Has the engine carry out requests; repeating any is harmless."""

    def __init__(self, controller: Controller, journal: Journal, retention: Retention, emit: Emit) -> None:
        self._controller = controller
        self._journal = journal
        self._retention = retention
        self._emit = emit

    def handle(self, request: Request, done: Callable[[], None]) -> None:
        """Carry out one request and call `done` then. One about an item that does not exist is ignored."""
        if request.verb == "restore":
            self._controller.restore(request.item_id, done)
            return
        item = self._journal.items.get(request.item_id)
        if item is None:
            done()
        elif request.verb == "remove":
            if item.accepted_at > request.at:  # it was dropped again since
                done()
                return
            keep_until = 0.0 if request.now else time.time() + self._retention.trash_seconds
            self._emit(ItemRemoving(item))
            self._controller.remove(item, RemovalRequest(keep_until, done))
        elif request.verb == "retry":
            self._emit(ItemRetried(item))
            self._controller.retry(item.id)
            done()
        else:
            self._emit(ItemCancelled(item))
            self._controller.cancel(item.id)
            done()
