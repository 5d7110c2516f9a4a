"""What the deciding thread does with a notice of ingest: journal it, emit its event, hand a new item to the engine."""

from vlogd.core.events import (
    Bug,
    Emit,
    FileFailed,
    FileLeft,
    InboxRecovered,
    InboxTrouble,
    ItemAccepted,
    ItemDuplicate,
)
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
    UnexpectedError,
)
from vlogd.storage.journal import Journal


class IngestNotices:
    """`troubles`: place to sentence, while the problem lasts; `failed`: how many files were not videos."""

    def __init__(self, journal: Journal, controller: Controller, emit: Emit) -> None:
        self._journal = journal
        self._controller = controller
        self._emit = emit
        self.troubles: dict[str, str] = {}
        self.failed = 0

    def take(self, notice: Notice) -> None:
        """One notice of the ingest thread."""
        match notice:
            case Accepted(path, item, _):
                self._emit(ItemAccepted(item, path))
                self._journal.left_files.clear(path)
                self._controller.accept(item)
            case Duplicate(path, item):
                self._journal.left_files.clear(path)
                self._emit(ItemDuplicate(item, path))
                self._controller.request_survey([item.id])
            case Failed(path, sentence, moved_to, tool_output):
                self._journal.left_files.clear(path)
                self._emit(FileFailed(path, sentence, moved_to, tool_output or None))
                self.failed += 1
            case Resolved(path):
                self._journal.left_files.clear(path)
            case NotTaken(path, inbox, sentence):
                self._emit(FileLeft(path, sentence))
                self._journal.left_files.set(path, inbox, sentence)
            case InboxProblem(place, sentence):
                self.troubles[place] = sentence
                self._emit(InboxTrouble(place, sentence))
            case InboxProblemSolved(place):
                self.troubles.pop(place, None)
                self._emit(InboxRecovered(place))
            case UnexpectedError(error):
                self._emit(Bug(error, "ingest"))
            case Changed():
                pass
