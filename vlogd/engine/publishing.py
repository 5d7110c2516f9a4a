"""Brings what viewers see of the items in work up to date. Part of the deciding thread."""

from collections.abc import Callable
from functools import partial

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.engine.catalog_writing import CatalogWriting
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemPublished, LibraryWorker
from vlogd.engine.state import ItemState

_log = get_logger()


class Publishing:
    """`broken` hears of an item whose showing failed for a reason that nobody foresaw."""

    def __init__(
        self,
        library_worker: LibraryWorker,
        library_queue: LibraryQueue,
        environment: Environment,
        clock: Callable[[], float],
        wait_seconds: float,
        broken: Callable[[str, Exception], None],
    ) -> None:
        self.catalog = CatalogWriting(library_worker, library_queue, clock, wait_seconds)
        self._library_worker = library_worker
        self._library_queue = library_queue
        self._environment = environment
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._broken = broken

    def publish(self, state: ItemState) -> None:
        """Show the latest of an item; not while the library worker may be about to commit a step.

        What is shown then would be the step's growing state, written over its finished files.
        """
        now = self._clock()
        if state.survey is None or state.is_visited():
            return
        if not state.publish.is_due(now, complete=state.survey.complete):
            return
        state.publish.begin(now)
        unfinished = state.unfinished(self._environment.library)
        self._library_queue.submit(
            partial(self._library_worker.publish, state.survey, unfinished, state.progress()),
            partial(self._published, state),
            partial(self._unpublished, state),
            waits_for_disk=False,
            urgent=state.publish.is_new,
        )

    def _published(self, state: ItemState, published: ItemPublished) -> None:
        report, before = published.report, published.before
        self.catalog.changed()
        state.publish.succeed(report, self._clock())
        if report.playable and not (before and before.playable):
            _log.info("item.playable", item=report.slug)
        if report.status == "ready" and not (before and before.status == "ready"):
            _log.info("item.ready", item=report.slug, title=report.title)

    def _unpublished(self, state: ItemState, error: Exception) -> None:
        """Viewers could not be shown the latest: show them what is the latest when the disk is back."""
        problem = str(error) if isinstance(error, Unavailable) else None
        state.publish.fail(problem, self._clock() + self._wait_seconds)
        if not isinstance(error, Unavailable):
            self._broken(state.item.id, error)
            return
        _log.warning("library.waits", item=state.item.slug, why=str(error))
