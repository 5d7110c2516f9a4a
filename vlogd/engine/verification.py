"""Which items are unchanged since they were last found complete. Runs on the library's thread.

A look at the library costs a few calls of stat for each item that is unchanged, whatever the number of its files.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlogd.core import digest
from vlogd.core.errors import Malformed
from vlogd.core.model import Item, Verified
from vlogd.core.version import version
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_worker import original_state
from vlogd.engine.policy import Policy
from vlogd.engine.survey import Survey
from vlogd.site.document import VIDEO_FORMAT
from vlogd.storage.library import VIDEO
from vlogd.storage.verification import Mark, folder_times, may_change_unnoticed


class Verification:
    """`changed` compares items with their marks, `sweep_and_mark` makes the mark of an item that is complete."""

    def __init__(self, environment: Environment, policy: Policy) -> None:
        self._environment = environment
        self._policy = policy
        self._keys: dict[str, str] = {}

    def changed(self, rows: Sequence[Verified]) -> list[str]:
        """The ids of those items that must be surveyed again. Raises Unavailable when a disk is away."""
        self._environment.volumes.check()
        now = time.time()
        return [row.item_id for row in rows if not self._is_unchanged(row, now)]

    def _is_unchanged(self, row: Verified, now: float) -> bool:
        mark = Mark.from_text(row.mark)
        try:
            return mark is not None and mark.holds(self._key(mark.inbox), now)
        except OSError:  # one folder that cannot be read must not keep the others from being checked
            self._environment.volumes.check()
            return False

    def sweep_and_mark(self, survey: Survey, ready_at: float | None) -> Verified | None:
        """Remove the step folders of a finished item that nothing names any more, after a grace time for viewers.

        The row to remember of the item; None when it is not whole any more: then the next look surveys it.
        Raises OSError and Unavailable.
        """
        self._environment.volumes.check()
        item, library = survey.item, self._environment.library
        until = self._sweep(survey)
        times = folder_times(library, self._environment.originals, item)
        if may_change_unnoticed(times) or not self._is_whole(survey):  # read after the times were
            return None
        mark = Mark(item.inbox, self._key(item.inbox), until, times)
        return Verified(item.id, mark.to_text(), ready_at if self._can_be_retired(item) else None)

    def _sweep(self, survey: Survey) -> float | None:
        """Sweep an item whose artifacts are whole and could be made again; of any other its files may be all that is left."""
        item, library = survey.item, self._environment.library
        if original_state(self._environment.originals, item) != "here" or not self._is_whole(survey):
            return None
        return library.sweep(item, _named(survey), self._policy.sweep_after_seconds)

    def _is_whole(self, survey: Survey) -> bool:
        """Whether all that a finished item needs is on the disk now: its artifacts, and its stable names."""
        item, library = survey.item, self._environment.library
        if not survey.complete or not _named(survey) <= {each.folder for each in library.artifacts(item)}:
            return False
        home = library.folder(item)
        with suppress(FileNotFoundError, Malformed):
            names = VIDEO_FORMAT.read(home / VIDEO).value.files
            return all((home / name).exists() for name in names)
        return False

    def _can_be_retired(self, item: Item) -> bool:
        original = self._environment.originals.find(item)
        if original is None or self._policy.retention.originals == "delete":
            return original is not None
        return original.is_relative_to(self._environment.originals.root)

    def _key(self, inbox: str) -> str:
        if inbox not in self._keys:
            roots = (self._environment.library.root, self._environment.originals.root)
            self._keys[inbox] = _key_of(self._policy, self._policy.settings(inbox), roots)
        return self._keys[inbox]


def _named(survey: Survey) -> set[str]:
    """The folders of the artifacts that are current or published."""
    return {artifact.folder for artifact in (*survey.published.values(), *survey.current.values())}


def _key_of(policy: Policy, settings: Mapping[str, Any], roots: Sequence[Path]) -> str:
    """The digest of what an item's artifacts and documents depend on beside its files.

    The version of vlogd counts too: a newer one may publish other documents of the same artifacts. So do the folders that
    are configured: when the library moves, the folders of the earlier one may well stay as they were.
    """
    stages = [
        [stage.name, stage.version, stage.first_public_version, asdict(settings[stage.name])]
        for stage in policy.stages
    ]
    retention = [policy.retention.originals, str(policy.retention.archive)]
    return digest.of_json([version(), VIDEO_FORMAT.current, stages, retention, [str(root) for root in roots]])
