"""What people asked of the daemon by the command line (`live.request`). Hearing it twice is harmless."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from vlogd.core.log import get_logger
from vlogd.engine.controller import Decider
from vlogd.engine.state import Leaving
from vlogd.storage.journal import Journal
from vlogd.storage.retention import Keeping

_log = get_logger()


class Asked:
    """Hands requests to the decider. One that a crash cut short is heard again: all may be repeated."""

    def __init__(self, decider: Decider, journal: Journal, keeping: Keeping) -> None:
        self._decider = decider
        self._journal = journal
        self._keeping = keeping

    def hear(self, asked: Mapping[str, Any], fulfilled: Callable[[], None]) -> None:
        """Do what one request says; what is none of ours, or names nothing, is ignored."""
        match asked:
            case {"retry": str(item_id)}:
                _log.info("item.retried", item=item_id)
                self._decider.retry(item_id)
            case {"cancel": str(item_id)}:
                _log.info("item.cancelled", item=item_id)
                self._decider.cancel(item_id)
            case {"remove": str(item_id), "now": bool(now), "at": float(at)}:
                item = self._journal.item(item_id)
                if item is not None and item.accepted_at <= at:  # else it was dropped again since
                    keep_until = 0.0 if now else time.time() + self._keeping.trash_seconds
                    _log.info("item.leaving", item=item.slug)
                    self._decider.remove(item, Leaving(keep_until, fulfilled))
                    return
            case {"restore": str(item_id)}:
                self._decider.restore(item_id, fulfilled)
                return
        fulfilled()
