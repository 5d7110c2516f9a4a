"""The command line's view of all videos, read-only: the same survey, state and report that the daemon acts on.

It reads the journal, the library, and the status file of a running daemon.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from vlogd.cli.finder import find
from vlogd.config import Config
from vlogd.core.errors import Unavailable
from vlogd.core.model import Attempt, Item, LeftFile
from vlogd.core.publication import Report
from vlogd.daemon.lock import is_locked
from vlogd.engine.inspection import inspect
from vlogd.engine.library_worker import original_state
from vlogd.engine.state import ItemState
from vlogd.engine.status import unreadable
from vlogd.engine.survey import Survey, survey
from vlogd.engine.views import publication
from vlogd.notify import status_file
from vlogd.stages.pipeline import STAGES
from vlogd.storage import journal_recovery
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals

T = TypeVar("T")


class Reader:
    """Use it as a context manager. `daemon`: the status of the running daemon, None when none runs.

    Raises OSError and VlogdError when something that is there cannot be read.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._library = Library(config.library)
        self._originals = Originals(config.originals, config.retention.archive)
        self.daemon = status_file.read(config.state) if is_locked(config.state) else None
        self._journal = journal_recovery.open_for_reading(config.state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._journal is not None:
            self._journal.close()

    def items(self) -> Iterator[Item]:
        """All items, newest first."""
        return iter(()) if self._journal is None else self._journal.items.all()

    def left(self) -> list[LeftFile]:
        """The files in the inboxes that were not taken and are still there."""
        files = [] if self._journal is None else self._journal.left_files.all()
        return [file for file in files if Path(file.path).is_symlink() or Path(file.path).exists()]

    def find(self, name: str) -> Item:
        """The video that `name` means. Raises NotFound."""
        return find(self.items(), name)

    def survey(self, item: Item) -> Survey:
        """The survey that the daemon would act on now."""
        settings = self._config.stage_settings(item.inbox)
        original = original_state(self._originals, item)
        return survey(
            item, STAGES, settings, self._library.finished(item), original, self._library.begun(item)
        )

    def original(self, item: Item) -> str:
        """The path of the original, or "not there"."""
        return str(self._originals.find(item) or "not there")

    def has_failed(self, item: Item) -> bool:
        """Whether any stage of the item is parked."""
        return any(stage.status == "failed" for stage in self.report(item).stages.values())

    def attempts(self, item: Item) -> list[Attempt]:
        """An item's failed attempts, oldest first, forgiven ones too."""
        return [] if self._journal is None else self._journal.attempts.of(item.id, forgiven=True)

    def history(self, item: Item) -> list[dict[str, Any]]:
        """The artifacts made for an item, and when, as plain data."""
        return [] if self._journal is None else self._journal.artifacts.of(item.id)

    def report(self, item: Item) -> Report:
        """The progress of an item, with that of its running parts; why it cannot be read, if so."""
        try:
            return self._report(item)
        except (OSError, Unavailable) as error:
            return unreadable(item, str(error))

    def _report(self, item: Item) -> Report:
        survey = self.survey(item)
        state = self._inspect(survey)
        unfinished = state.unfinished(self._library)
        report = publication(self._library, STAGES, survey, unfinished, state.progress()).report
        eta = self.daemon.eta_seconds.get(item.id) if self.daemon else None
        return replace(report, eta_seconds=eta)

    def why(self, item: Item) -> list[str]:
        """What remains to be done for an item and why, in sentences."""
        survey = self.survey(item)
        if survey.complete:
            return ["Nothing remains to be done: every artifact is current."]
        sentences = []
        for name, step in self._inspect(survey).steps.items():
            missing = [part.name for part in step.parts if part.name not in step.receipts]
            parts = f" Parts to do: {len(missing)} of {len(step.parts)}." if step.parts else ""
            trouble = f" {step.trouble}" if step.trouble else ""
            sentences.append(f"{name}: {step.step.reason}.{parts}{trouble}")
        return sentences + [f"{stage}: waiting for {need}." for stage, need in survey.waiting.items()]

    def _inspect(self, survey: Survey) -> ItemState:
        """The state that the daemon would act on, with what only a running daemon knows."""
        item = survey.item
        failures = [] if self._journal is None else self._journal.attempts.of(item.id)
        running = _of_item(item, self.daemon.shares) if self.daemon else {}
        waits = _of_item(item, self.daemon.waits) if self.daemon else {}
        return inspect(survey, self._library, failures, self._config.retry, running, waits)


def _of_item(item: Item, values: Mapping[str, T]) -> dict[str, T]:
    """Stage to value for one item, out of "<item id>/<stage>" to value for all."""
    begin = f"{item.id}/"
    return {key.removeprefix(begin): value for key, value in values.items() if key.startswith(begin)}
