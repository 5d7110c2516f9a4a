"""Work beside the videos: the page and lost items at a start, looks at the library, deletion of what expired.

Part of the controller's thread.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.core.events import Bug, MaintenanceFailed, OriginalRetired, TrashEmptied
from vlogd.core.model import Item, Verified
from vlogd.engine.executors.worker import Environment
from vlogd.engine.jobs import ARCHIVE
from vlogd.engine.library_look import LibraryLook, original_key
from vlogd.engine.library_queue import LibraryQueue
from vlogd.engine.library_worker import Discarded
from vlogd.engine.policy import Policy
from vlogd.engine.services import Services
from vlogd.engine.state import ItemState
from vlogd.engine.verification import Verification
from vlogd.storage.verification import Mark


class Maintenance:
    """Has jobs run on the library's thread. What cannot be deleted now is tried again at the next look."""

    def __init__(
        self,
        policy: Policy,
        environment: Environment,
        services: Services,
        library_queue: LibraryQueue,
        request_survey: Callable[[Iterable[str]], None],
    ) -> None:
        self._policy = policy
        self._library_worker = services.worker
        self._library_queue = library_queue
        self._journal = services.journal
        self._emit = services.emit
        self._waiting = services.waiting
        self._verification = Verification(environment, policy)
        self._look = LibraryLook(policy, self._verification, services, library_queue, request_survey)

    def look(self, item_ids: Sequence[str]) -> None:
        """Have those items surveyed that changed since they were last verified, or whose originals are due."""
        self._waiting.look()
        self._waiting.keep_only("original", {original_key(item_id) for item_id in item_ids})
        self._look.begin(item_ids)

    def open(self, known: Collection[str], adopt: Callable[[list[Item]], None]) -> None:
        """Put the page in place, and `adopt` the items that the journal does not know. Both wait for their disks."""
        worker, submit = self._library_worker, self._library_queue.submit
        submit(worker.install, lambda _: None, self._failed, waits_for_disk=True)
        submit(partial(worker.unknown, known), adopt, self._failed, waits_for_disk=True)

    def tidy(self, inboxes: Collection[Path]) -> None:
        """Delete what has been in the trash and in the inboxes' `_failed` for long enough."""
        job = partial(self._library_worker.discarded, inboxes)
        listed = partial(self._listed, inboxes)
        self._library_queue.submit(job, listed, self._not_emptied, waits_for_disk=False)

    def finish(self, state: ItemState, failed: Callable[[Exception], None]) -> None:
        """Clean up after an item with nothing left to do, and remember its state on the disk."""
        if state.survey is not None:
            report = state.publish.report
            job = partial(
                self._verification.sweep_and_mark, state.survey, report.ready_at if report else None
            )
            self._library_queue.submit(job, partial(self._remember, state.item), failed, waits_for_disk=True)

    def measure(self, item: Item) -> None:
        """Have the original of a video that has just become ready read once, for its SHA-256: nobody waits for that any more."""
        self._library_queue.submit(
            partial(self._library_worker.measure, item),
            lambda _: None,
            partial(self._not_measured, item),
            waits_for_disk=False,
            resource=ARCHIVE,
        )

    def _retire(self, item: Item, ready_at: float) -> None:
        """Archive or delete the original of a ready video that has just been found whole, when that is due.

        A video that was made again waits again: that is the time to notice a mistake.
        """
        seconds = self._policy.retention.originals_seconds
        if self._waiting.is_over(original_key(item.id), seconds, state=str(ready_at)):
            self._library_queue.submit(
                partial(self._library_worker.retire, item),
                partial(self._retired, item),
                partial(self._not_retired, item),
                waits_for_disk=False,
                resource=ARCHIVE,
            )

    # Outcomes

    def _listed(self, inboxes: Collection[Path], discarded: Discarded) -> None:
        """Have that deleted whose time is over; all of it begins to wait when it is first seen."""
        retention, keys = self._policy.retention, discarded.keys()
        seconds = dict.fromkeys(keys, retention.trash_seconds)
        seconds |= dict.fromkeys(discarded.failed, retention.failed_seconds)
        for kind in ("trash", "stray", "failed"):
            self._waiting.keep_only(kind, seconds.keys())
        expired = [
            key for key in keys if self._waiting.is_over(key, seconds[key]) or key in discarded.at_once
        ]
        try:
            self._waiting.save()
        except OSError as error:
            self._not_emptied(error)
        if expired:
            job = partial(self._library_worker.delete, discarded.only(expired), inboxes)
            self._library_queue.submit(job, self._emptied, self._not_emptied, waits_for_disk=False)

    def _remember(self, item: Item, row: Verified | None) -> None:
        if row is None:
            return
        self._journal.verified.set([row])
        mark = Mark.from_text(row.mark)
        has_swept = (
            mark is not None and mark.until is None
        )  # earlier artifacts are swept while it can be made again
        if has_swept and row.ready_at is not None and self._policy.retention.originals != "keep":
            self._retire(item, row.ready_at)

    def _emptied(self, names: Sequence[str]) -> None:
        if names:
            self._emit(TrashEmptied(tuple(names)))

    def _not_emptied(self, error: Exception) -> None:
        self._emit(MaintenanceFailed("emptying the trash", str(error)))

    def _retired(self, item: Item, how: str) -> None:
        self._waiting.forget(original_key(item.id))
        if how:
            self._emit(OriginalRetired(item, how))

    def _not_measured(self, item: Item, error: Exception) -> None:
        self._emit(MaintenanceFailed("reading the original", str(error), item))

    def _not_retired(self, item: Item, error: Exception) -> None:
        self._emit(MaintenanceFailed("archiving or deleting the original", str(error), item))

    def _failed(self, error: Exception) -> None:
        is_told = isinstance(error, Unavailable)
        self._emit(
            MaintenanceFailed("preparing the page", str(error)) if is_told else Bug(error, "maintenance")
        )
