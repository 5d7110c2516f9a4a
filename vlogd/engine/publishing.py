"""Brings what viewers see of the items in work up to date. Part of the deciding thread."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.engine.catalog_writing import CatalogWriting
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import ItemPublished, LibraryWorker
from vlogd.engine.state import ItemState

_log = get_logger()

_SHOW_SECONDS = 1.0
"""Viewers of an item that is being made see its state at most this old."""

_FIRST_SHOW_SECONDS = 0.2
"""The same, until it can be watched: somebody may be waiting for just that."""


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
        if state.survey is None or not state.dirty or state.publishing or state.looking():
            return
        if now < state.show_after and not (state.survey.complete and not state.unseen):
            return
        watchable = state.report is not None and state.report.playable
        state.dirty, state.publishing = False, True
        state.show_after = now + (_SHOW_SECONDS if watchable else _FIRST_SHOW_SECONDS)
        growing = state.growing(self._environment)
        self._library_queue.submit(
            partial(self._library_worker.publish, state.survey, growing, state.progress()),
            partial(self._published, state),
            partial(self._unpublished, state),
            waits_for_disk=False,
            urgent=state.new,
        )

    def _published(self, state: ItemState, published: ItemPublished) -> None:
        report, before = published.report, published.before
        self.catalog.changed()
        state.publishing, state.unseen = False, None
        state.report = replace(report, eta_seconds=state.eta.seconds(report.progress, self._clock()))
        state.new = state.new and not report.playable
        if report.playable and not (before and before.playable):
            _log.info("item.playable", item=report.slug)
        if report.status == "ready" and not (before and before.status == "ready"):
            _log.info("item.ready", item=report.slug, title=report.title)

    def _unpublished(self, state: ItemState, error: Exception) -> None:
        """Viewers could not be shown the latest: show them what is the latest when the disk is back."""
        state.publishing = False
        if not isinstance(error, Unavailable):
            self._broken(state.item.id, error)
            return
        _log.warning("library.waits", item=state.item.slug, why=str(error))
        state.dirty, state.unseen = True, str(error)
        state.show_after = self._clock() + self._wait_seconds
