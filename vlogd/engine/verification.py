"""Which items are as they were when they were last found complete. Runs on the library's thread.

A look at the library costs a few calls of stat for each item that is unchanged, whatever the number of its files.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from vlogd.core import digest
from vlogd.core.model import Item, Verified
from vlogd.engine.executors.worker import Environment
from vlogd.engine.policy import Policy
from vlogd.engine.survey import Survey
from vlogd.site.document import VIDEO_FORMAT
from vlogd.storage.verification import FolderTimes, Mark, folder_times, may_change_unnoticed


class Verification:
    """`changed` compares items with their marks, `mark` makes the mark of an item that is complete."""

    def __init__(self, environment: Environment, policy: Policy) -> None:
        self._environment = environment
        self._policy = policy
        self._keys: dict[str, str] = {}

    def changed(self, rows: Sequence[Verified]) -> list[str]:
        """The ids of those items that must be surveyed again. Raises OSError and Unavailable."""
        self._environment.volumes.check()
        now = time.time()
        return [row.item_id for row in rows if not self._is_unchanged(row, now)]

    def _is_unchanged(self, row: Verified, now: float) -> bool:
        if row.ready_at is not None and self._policy.keeping.is_due(row.ready_at, now):
            return False
        mark = Mark.from_text(row.mark)
        return mark is not None and mark.holds(self._key(mark.inbox), now)

    def times(self, item: Item) -> FolderTimes:
        """The times of the item's folders, to be taken before its artifacts are read."""
        return folder_times(self._environment.library, self._environment.originals, item)

    def mark(
        self, survey: Survey, before: FolderTimes, ready_at: float | None, until: float | None
    ) -> Verified | None:
        """The row to remember of an item whose artifacts were read after `before` and are all current.

        None when it changed since, by somebody else than us: the next look surveys it.
        """
        item = survey.item
        now = self.times(item)
        if may_change_unnoticed(now) or (now != before and not self._is_whole(survey)):
            return None
        due_at = ready_at if self._can_be_retired(item) else None
        return Verified(item.id, Mark(item.inbox, self._key(item.inbox), until, now).to_text(), due_at)

    def _is_whole(self, survey: Survey) -> bool:
        there = _names(self._environment.library.artifacts(survey.item))
        return _names(survey.current.values()) <= there and _names(survey.published.values()) <= there

    def _can_be_retired(self, item: Item) -> bool:
        original = self._environment.originals.find(item)
        if original is None or self._policy.keeping.originals == "delete":
            return original is not None
        return original.is_relative_to(self._environment.originals.root)

    def _key(self, inbox: str) -> str:
        if inbox not in self._keys:
            self._keys[inbox] = _key_of(self._policy, self._policy.settings(inbox))
        return self._keys[inbox]


def _names(artifacts: Collection[Any]) -> set[str]:
    return {artifact.folder for artifact in artifacts}


def _key_of(policy: Policy, settings: Mapping[str, Any]) -> str:
    """The digest of what an item's artifacts and documents depend on beside its files.

    The version of vlogd counts too: a newer one may publish other documents of the same artifacts.
    """
    stages = [[stage.name, stage.version, asdict(settings[stage.name])] for stage in policy.stages]
    keeping = [policy.keeping.originals, str(policy.keeping.archive)]
    return digest.of_json([_version(), VIDEO_FORMAT.current, stages, keeping])


def _version() -> str:
    try:
        return metadata.version("vlogd")
    except metadata.PackageNotFoundError:  # run from a checkout
        return ""
