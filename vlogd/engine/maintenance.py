"""What is to be done beside the videos: at a start the page and what the journal lacks, later what is cleared away.

Part of the deciding thread.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from vlogd.core.log import get_logger
from vlogd.core.model import Item
from vlogd.engine.executors.contract import ARCHIVE
from vlogd.engine.library_queue import Questions
from vlogd.engine.library_worker import Librarian
from vlogd.engine.policy import Rules
from vlogd.engine.state import Tracked

_log = get_logger()


class Housekeeping:
    """Asks the library's thread. What cannot be cleared away now is at the next look."""

    def __init__(
        self, rules: Rules, librarian: Librarian, questions: Questions, clock: Callable[[], float]
    ) -> None:
        self._rules = rules
        self._librarian = librarian
        self._questions = questions
        self._clock = clock

    def open(self, known: Collection[str], heard: Callable[[list[Item]], None]) -> None:
        """Put the page in place, and hear which items the journal does not know. Both wait for their disks."""
        failed = lambda error: _log.error("bug", exc_info=error)  # noqa: E731
        self._questions.ask(self._librarian.install, lambda _nothing: None, failed, patient=True)
        self._questions.ask(partial(self._librarian.unknown, known), heard, failed, patient=True)

    def tidy(self, inboxes: Collection[Path]) -> None:
        """Delete what has lain long enough in the trash and in the inboxes' `_failed`."""
        heard = lambda gone: gone and _log.info("trash.emptied", gone=" ".join(gone))  # noqa: E731
        failed = lambda error: _log.warning("trash.not_emptied", why=str(error))  # noqa: E731
        self._questions.ask(partial(self._librarian.tidy, inboxes), heard, failed, patient=False)

    def sweep(self, tracked: Tracked, failed: Callable[[Exception], None]) -> None:
        """Remove the step folders of a finished item that nothing names any more."""
        if tracked.survey is not None:
            question = partial(self._librarian.sweep, tracked.survey, (), self._rules.sweep_after_seconds)
            self._questions.ask(question, lambda _gone: None, failed, patient=True)

    def retire(self, tracked: Tracked) -> None:
        """Archive or delete the original of a finished video when that is due."""
        told, item = tracked.report, tracked.item
        if tracked.final or told is None or told.ready_at is None:
            return
        if not self._rules.keeping.is_due(told.ready_at, self._clock()):
            return
        heard = lambda how: how and _log.info("original.retired", item=item.slug, how=how)  # noqa: E731
        failed = lambda error: _log.warning("original.not_retired", item=item.slug, why=str(error))  # noqa: E731
        question = partial(self._librarian.retire, item)
        self._questions.ask(question, heard, failed, patient=False, resource=ARCHIVE)
