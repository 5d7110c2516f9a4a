"""The command line's view: the same survey and report that the daemon acts on, read-only.

Reads the journal, the library and what the running daemon says (`live.py`); writes nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from vlogd.cli.finder import find
from vlogd.config import Config
from vlogd.core.model import Attempt, Item, LeftFile, Receipt
from vlogd.core.publication import Report
from vlogd.daemon.lock import is_locked
from vlogd.engine.retry import Retry
from vlogd.engine.status import Progress
from vlogd.engine.survey import Survey, as_final, survey
from vlogd.engine.views import UnfinishedStep, publication
from vlogd.notify import status_file
from vlogd.stages.contract import Work
from vlogd.stages.pipeline import STAGES
from vlogd.storage import journal_recovery
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals


class Reader:
    """An open, read-only view. Use as a context manager."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._library = Library(config.library)
        self._originals = Originals(config.originals, config.retention.archive)
        self._journal = journal_recovery.open_for_reading(config.state)
        self.daemon = status_file.read(config.state) if is_locked(config.state) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._journal is not None:
            self._journal.close()

    def items(self) -> Iterator[Item]:
        """All items, newest first."""
        return iter(()) if self._journal is None else self._journal.items.all()

    def left(self) -> list[LeftFile]:
        """What lies in the inboxes and was not taken, as far as it is still there."""
        found = [] if self._journal is None else self._journal.left_files.all()
        return [one for one in found if Path(one.path).is_symlink() or Path(one.path).exists()]

    def find(self, name: str) -> Item:
        """The video that somebody means by `name`. Raises NotFound."""
        return find(self.items(), name)

    def survey(self, item: Item) -> Survey:
        """The survey that the daemon would act on now."""
        settings = self._config.stage_settings(item.inbox)
        found = survey(item, STAGES, settings, self._library.artifacts(item))
        return as_final(found) if self._originals.was_deleted(item) else found

    def original(self, item: Item) -> str:
        """Where the original lies, or that it does not."""
        return str(self._originals.find(item) or "not there")

    def has_failed(self, item: Item) -> bool:
        """Whether any stage of the item is parked."""
        return any(stage.status == "failed" for stage in self.report(item).stages.values())

    def attempts(self, item: Item) -> list[Attempt]:
        """An item's failed attempts, oldest first, forgiven ones too."""
        return [] if self._journal is None else self._journal.attempts.of(item.id, forgiven=True)

    def history(self, item: Item) -> list[dict[str, Any]]:
        """What was made for an item, and when."""
        return [] if self._journal is None else self._journal.artifacts.of(item.id)

    def report(self, item: Item) -> Report:
        """How far an item is, with the running daemon's progress."""
        asked = self.survey(item)
        growing, progress = self._open_steps(asked)
        told = publication(self._library, STAGES, asked, growing, progress).report
        eta = self.daemon.eta_seconds.get(item.id) if self.daemon else None
        return replace(told, eta_seconds=eta)

    def why(self, item: Item) -> list[str]:
        """What is to be done for an item and why, in sentences."""
        asked = self.survey(item)
        if asked.complete:
            return ["Nothing is to be done: every artifact is current."]
        _, progress = self._open_steps(asked)
        said = []
        for step in asked.steps:
            far = progress[step.stage.name]
            missing = [part.name for part in far.parts if part.name not in far.done]
            parts = f" Parts to do: {len(missing)} of {len(far.parts)}." if far.parts else ""
            said.append(
                f"{step.stage.name}: {step.reason}.{parts}" + (f" {far.trouble}" if far.trouble else "")
            )
        return said + [f"{stage}: waits for {need}." for stage, need in asked.waiting.items()]

    def _open_steps(self, asked: Survey) -> tuple[dict[str, UnfinishedStep], dict[str, Progress]]:
        growing: dict[str, UnfinishedStep] = {}
        progress: dict[str, Progress] = {}
        failures = [] if self._journal is None else self._journal.attempts.of(asked.item.id)
        for step in asked.steps:
            library, item = self._library, asked.item
            folder = library.step_folder(item, step.folder, private=step.stage.private)
            receipts: dict[str, Receipt] = library.receipts(item, folder)
            inputs = {need: library.artifact_folder(item, artifact) for need, artifact in step.inputs.items()}
            work = Work(asked.item, folder, inputs, step.settings, receipts)
            growing[step.stage.name] = UnfinishedStep(step.stage, work, library.names(folder))
            mine = [a for a in failures if (a.stage, a.fingerprint) == (step.stage.name, step.fingerprint)]
            key = f"{asked.item.id}/{step.stage.name}"
            waits = self.daemon.waits.get(key) if self.daemon else None
            progress[step.stage.name] = Progress(
                tuple(step.stage.parts(work)),
                frozenset(receipts),
                self.daemon.shares.get(key, {}) if self.daemon else {},
                waits or (mine[-1].sentence if mine else None),
                self._parked(mine),
            )
        return growing, progress

    def _parked(self, failures: list[Attempt]) -> bool:
        retry: Retry = self._config.retry
        return any(
            retry.parks([a.kind for a in failures if a.part == part]) for part in {a.part for a in failures}
        )
