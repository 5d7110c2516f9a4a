"""What is to be done beside the videos: at a start the page and what the journal lacks, later what is cleared away.

Part of the deciding thread.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from vlogd.core.log import get_logger
from vlogd.core.model import Item
from vlogd.engine.jobs import ARCHIVE
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.policy import Policy
from vlogd.engine.state import ItemState

_log = get_logger()


class Maintenance:
    """Asks the library's thread. What cannot be cleared away now is at the next look."""

    def __init__(
        self,
        policy: Policy,
        library_worker: LibraryWorker,
        library_queue: LibraryQueue,
        clock: Callable[[], float],
    ) -> None:
        self._policy = policy
        self._library_worker = library_worker
        self._library_queue = library_queue
        self._clock = clock

    def open(self, known: Collection[str], heard: Callable[[list[Item]], None]) -> None:
        """Put the page in place, and hear which items the journal does not know. Both wait for their disks."""
        failed = lambda error: _log.error("bug", exc_info=error)  # noqa: E731
        self._library_queue.submit(
            self._library_worker.install, lambda _nothing: None, failed, waits_for_disk=True
        )
        self._library_queue.submit(
            partial(self._library_worker.unknown, known), heard, failed, waits_for_disk=True
        )

    def tidy(self, inboxes: Collection[Path]) -> None:
        """Delete what has lain long enough in the trash and in the inboxes' `_failed`."""
        heard = lambda gone: gone and _log.info("trash.emptied", gone=" ".join(gone))  # noqa: E731
        failed = lambda error: _log.warning("trash.not_emptied", why=str(error))  # noqa: E731
        self._library_queue.submit(
            partial(self._library_worker.tidy, inboxes), heard, failed, waits_for_disk=False
        )

    def sweep(self, state: ItemState, failed: Callable[[Exception], None]) -> None:
        """Remove the step folders of a finished item that nothing names any more."""
        if state.survey is not None:
            question = partial(self._library_worker.sweep, state.survey, self._policy.sweep_after_seconds)
            self._library_queue.submit(question, lambda _gone: None, failed, waits_for_disk=True)

    def retire(self, state: ItemState) -> None:
        """Archive or delete the original of a finished video when that is due."""
        told, item = state.publish.report, state.item
        if state.final or told is None or told.ready_at is None:
            return
        if not self._policy.retention.is_due(told.ready_at, self._clock()):
            return
        heard = lambda how: how and _log.info("original.retired", item=item.slug, how=how)  # noqa: E731
        failed = lambda error: _log.warning("original.not_retired", item=item.slug, why=str(error))  # noqa: E731
        question = partial(self._library_worker.retire, item)
        self._library_queue.submit(question, heard, failed, waits_for_disk=False, resource=ARCHIVE)
