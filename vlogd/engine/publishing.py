"""Publishes the items in work, throttled. Part of the controller's thread."""

from collections.abc import Callable
from functools import partial

from vlogd.core.errors import Unavailable
from vlogd.core.events import ItemPlayable, ItemReady, LibraryUnavailable
from vlogd.core.model import Item
from vlogd.engine.catalog_writing import CatalogWriting
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemPublished
from vlogd.engine.services import Services
from vlogd.engine.state import ItemState


class Publishing:
    """`ready` gets an item that became ready, `broken` the id of one whose publishing failed with an unexpected error."""

    def __init__(
        self,
        services: Services,
        library_queue: LibraryQueue,
        environment: Environment,
        wait_seconds: float,
        ready: Callable[[Item], None],
        broken: Callable[[str, Exception], None],
    ) -> None:
        self.catalog = CatalogWriting(services, library_queue, wait_seconds)
        self._library_worker = services.worker
        self._library_queue = library_queue
        self._library = environment.library
        self._emit = services.emit
        self._clock = services.clock
        self._wait_seconds = wait_seconds
        self._ready = ready
        self._broken = broken

    def publish(self, state: ItemState) -> None:
        """Publish the latest state of an item, if there is one and it is due.

        Not while the library worker may be about to commit a step: the step's growing state would be written over its
        finished files.
        """
        now = self._clock()
        if state.survey is None or state.is_visited():
            return
        if not state.publish.is_due(now, complete=state.survey.complete):
            return
        state.publish.begin(now)
        unfinished = state.unfinished(self._library)
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
            self._emit(ItemPlayable(state.item))
        if report.status == "ready" and not (before and before.status == "ready"):
            self._emit(ItemReady(state.item))
            self._ready(state.item)

    def _unpublished(self, state: ItemState, error: Exception) -> None:
        """The latest is published when the disk is back."""
        problem = str(error) if isinstance(error, Unavailable) else None
        state.publish.fail(problem, self._clock() + self._wait_seconds)
        if problem is None:
            self._broken(state.item.id, error)
        else:
            self._emit(LibraryUnavailable(problem, state.item))
