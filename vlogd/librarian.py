"""What the deciding thread has done on the library's disk, by one thread of its own.

The library may be a slow NAS. Everything that reads or writes it for the decider happens here, so
that a stalled mount delays the library and nothing else: not the decision, not the watchdog.
"""

import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from vlogd import files
from vlogd.front import Front, Growing
from vlogd.model import Artifact, Item, Part, Receipt
from vlogd.plan import Step, Survey
from vlogd.report import Progress, Report
from vlogd.runner import Bench, cache_of, work_of


@dataclass(frozen=True)
class Position:
    """How far a step is: its parts, what they left behind, which files are whole.

    `artifact` is set when nothing was missing and the step became one.
    """

    parts: tuple[Part, ...]
    receipts: Mapping[str, Receipt]
    have: frozenset[str]
    artifact: Artifact | None = None


class Librarian:
    """Stateless but for its tools: every answer comes from the disk and the arguments."""

    def __init__(self, bench: Bench, front: Front) -> None:
        self._bench = bench
        self._library = bench.library
        self._front = front

    def artifacts(self, item: Item) -> list[Artifact]:
        """The item's whole artifacts, after what a crash left half written was removed."""
        self._bench.volumes.check()
        files.sweep_temporary(self._library.folder(item))
        return self._library.artifacts(item)

    def position(self, step: Step, receipts: Mapping[str, Receipt] | None = None) -> Position:
        """Where a step stands; commits it when no part is missing.

        `receipts` are known while the daemon works on the step; at first they come from the disk.
        """
        self._bench.volumes.check()
        folder = self._library.folder(step.item) / step.folder
        known = self._library.receipts(folder) if receipts is None else receipts
        work = work_of(step, self._bench, known)
        parts = tuple(step.stage.parts(work))
        have = self._library.names(folder)
        if any(part.name not in known for part in parts):
            return Position(parts, known, have)
        return Position(
            parts, known, have, self._commit(step, {part.name: known[part.name] for part in parts})
        )

    def _commit(self, step: Step, receipts: Mapping[str, Receipt]) -> Artifact:
        work = work_of(step, self._bench, receipts, complete=True)
        have = frozenset(name for receipt in receipts.values() for name in receipt.files)
        view = step.stage.view(work, have)
        artifact = self._library.commit(step.item, work.folder, step.recipe, receipts.values(), view)
        shutil.rmtree(cache_of(step, self._bench), ignore_errors=True)
        return artifact

    def publish(
        self, survey: Survey, growing: Mapping[str, Growing], progress: Mapping[str, Progress]
    ) -> Report:
        """Bring what viewers see of an item up to date."""
        self._bench.volumes.check()
        return self._front.publish(survey, growing, progress)

    def sweep(self, survey: Survey, growing: Collection[str], grace_seconds: float) -> list[str]:
        """Remove step folders that nothing names any more, after a grace time for viewers."""
        self._bench.volumes.check()
        keep = {artifact.folder for artifact in (*survey.on_air.values(), *survey.current.values())} | set(
            growing
        )
        return self._library.sweep(survey.item, keep, time.time() - grace_seconds)
