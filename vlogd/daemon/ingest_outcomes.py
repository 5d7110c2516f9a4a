"""What the arrival thread tells of drops, as the deciding thread takes it: remembered, logged, begun."""

from vlogd.core.log import get_logger
from vlogd.engine.controller import Controller
from vlogd.ingest.outcomes import (
    Accepted,
    Changed,
    Duplicate,
    Failed,
    InboxProblem,
    InboxProblemSolved,
    Notice,
    NotTaken,
    Resolved,
)
from vlogd.storage.journal import Journal

_log = get_logger()


class Drops:
    """`troubles` by place, in sentences; `failed`: how many files were no videos."""

    def __init__(self, journal: Journal, controller: Controller) -> None:
        self._journal = journal
        self._controller = controller
        self.troubles: dict[str, str] = {}
        self.failed = 0

    def hear(self, notice: Notice) -> None:
        """One thing that arrival tells."""
        match notice:
            case Accepted(path, item, _):
                _log.info("item.accepted", item=item.slug, file=path.name, size_bytes=item.size_bytes)
                self._journal.clear_left(path)
                self._controller.accept(item)
            case Duplicate(path, item):
                self._journal.clear_left(path)
                _log.info("item.duplicate", file=path.name, same_as=item.slug)
                self._controller.request_survey([item.id])
            case Failed(path, sentence, moved_to):
                self._journal.clear_left(path)
                _log.warning("file.failed", file=path.name, why=sentence, moved_to=moved_to)
                self.failed += 1
            case Resolved(path):
                self._journal.clear_left(path)
            case NotTaken(path, inbox, sentence):
                _log.warning("file.left", file=path, why=sentence)
                self._journal.set_left(path, inbox, sentence)
            case InboxProblem(place, sentence):
                _log.warning("inbox.trouble", inbox=place, why=sentence)
                self.troubles[place] = sentence
            case InboxProblemSolved(place):
                _log.info("inbox.well", inbox=place)
                self.troubles.pop(place, None)
            case Changed():
                pass
