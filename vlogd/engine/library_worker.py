"""Jobs on the library's disk, which the controller has run by one thread of their own (`library_queue.py`).

The library may be on a slow NAS. Everything that reads or writes it for the controller is here, so
that a stalled mount delays the library and nothing else: neither decisions nor the watchdog.
"""

import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.errors import BadInput, Unavailable
from vlogd.core.log import get_logger
from vlogd.core.model import Artifact, File, Item, Part, Receipt
from vlogd.core.publication import Report
from vlogd.engine import outdated
from vlogd.engine.executors.worker import Environment, cache_of, caches_of, work_of
from vlogd.engine.status import Progress
from vlogd.engine.survey import OriginalState, Step, Survey
from vlogd.engine.views import UnfinishedStep, publication
from vlogd.ingest import quarantine
from vlogd.site.document import VideoDocument
from vlogd.site.publisher import Publisher
from vlogd.stages.contract import Stage
from vlogd.storage.concealment import conceal
from vlogd.storage.originals import Originals
from vlogd.storage.retention import Retention
from vlogd.storage.verification import Mark, artifact_folders

_log = get_logger()


@dataclass(frozen=True)
class Position:
    """How far a step is: its parts, what they left behind, which files are whole.

    `artifact` is set when nothing was missing and the step became one.
    """

    parts: tuple[Part, ...]
    receipts: Mapping[str, Receipt]
    have: frozenset[str]
    artifact: Artifact | None = None


@dataclass(frozen=True)
class ItemOnDisk:
    """What there is of an item on the disks.

    `artifacts` include those that lost files since they were finished, `begun` names all step folders. `vanished` names the
    folders of artifacts that were there when the item was last verified, and are not there, or not whole, now.
    """

    artifacts: list[Artifact]
    original: OriginalState
    begun: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ItemPublished:
    """What viewers see of an item now, and the `video.json` that they saw before."""

    report: Report
    before: VideoDocument | None


@dataclass(frozen=True)
class Discarded:
    """What waits to be deleted, by keys of `WaitingTimes`.

    `items` were removed, those in `at_once` for good, as a person requested; `strays` are folders in the trash that belong
    to none of them, by name; `failed` are files in `_failed`.
    """

    items: Mapping[str, Item]
    at_once: frozenset[str]
    strays: Mapping[str, str]
    failed: tuple[str, ...]

    def keys(self) -> list[str]:
        """All of them."""
        return [*self.items, *self.strays, *self.failed]

    def only(self, keys: Collection[str]) -> "Discarded":
        """Those with these keys."""
        items = {key: item for key, item in self.items.items() if key in keys}
        strays = {key: name for key, name in self.strays.items() if key in keys}
        return Discarded(items, self.at_once, strays, tuple(key for key in self.failed if key in keys))


def original_state(originals: Originals, item: Item) -> OriginalState:
    """Where the original of an item is. Raises OSError when that cannot be determined."""
    if not isinstance(item.source, File) or originals.find(item) is not None:
        return "here"
    return "deleted" if originals.was_deleted(item) else "missing"


class LibraryWorker:
    """Has no state: every result comes from the disk and the arguments. Methods raise OSError and Unavailable."""

    def __init__(
        self,
        environment: Environment,
        publisher: Publisher,
        stages: Sequence[Stage[Any]],
        retention: Retention,
    ) -> None:
        self._retention = retention
        self._environment = environment
        self._library = environment.library
        self._publisher = publisher
        self._stages = stages

    def install(self) -> None:
        """Put the page in place, and the catalogue of what is published."""
        self._environment.volumes.check()
        self._publisher.install_site()

    def write_catalog(self) -> float:
        """Write the catalogue if it changed. Returns the seconds that it took."""
        began = time.monotonic()
        self._environment.volumes.check()
        self._publisher.catalog.write()
        return time.monotonic() - began

    def unknown(self, known: Collection[str]) -> list[Item]:
        """The items in the originals folder except those with these ids."""
        self._environment.volumes.check()
        scan = self._environment.originals.scan(but=known)
        for sentence in scan.unreadable:
            _log.error("item.unreadable", why=sentence)
        return list(scan.items)

    def readdress(self, item: Item, candidates: Sequence[str]) -> Item:
        """Give an item, in its document, the first of these addresses that no folder of another one has."""
        self._environment.volumes.check()
        originals = self._environment.originals
        slug = next((each for each in candidates if not self._library.is_others(each, item.id)), None)
        if slug is None:
            raise Unavailable(f"No address is free for {item.title}, whose id is {item.id}.")
        moved = replace(originals.item(item.id) or item, slug=slug)
        originals.write_item(originals.root / item.id, moved)
        _log.warning("item.readdressed", item=slug, why=f"The address {item.slug} is another video's.")
        return moved

    def take_up(self, item: Item, mark: Mark | None = None) -> ItemOnDisk:
        """What there is of an item, once files that a crash left half written are removed.

        What an earlier version published by mistake is taken out of the public tree first.
        `mark` is that of its last verification. Raises Malformed for a damaged `artifact.json` only where its artifact
        cannot be made again.
        """
        self._environment.volumes.check()
        self._library.workshop.open()
        for folder in (self._library.folder(item), self._library.workshop.private(item.slug)):
            with suppress(FileNotFoundError):
                files.sweep_temporary(folder)
        conceal(self._library, item, {stage.name: stage.first_public_version for stage in self._stages})
        original = original_state(self._environment.originals, item)
        finished = self._library.finished(item, strict=original != "here")
        whole = {artifact.folder for artifact in finished if not artifact.missing}
        verified = artifact_folders(mark, self._library, item) if mark is not None else frozenset()
        if original == "here":
            finished = outdated.marked(self._library, item, finished, self._stages)
        return ItemOnDisk(finished, original, self._library.begun(item), verified - whole)

    def position(self, step: Step, receipts: Mapping[str, Receipt] | None = None) -> Position:
        """Where a step stands; commits it when no part is missing.

        `receipts` are known while the daemon works on the step. At first they are read from the disk, and the folder is walked
        once: it may hold files of a part that a crash cut short, which viewers of the growing stream have seen.
        """
        self._environment.volumes.check()
        folder = self._library.step_folder(step.item, step.folder, private=step.stage.private)
        known = self._library.receipts(step.item, folder) if receipts is None else receipts
        work = work_of(step, self._library, known)
        parts = tuple(step.stage.parts(work))
        have = self._library.names(folder) if receipts is None else frozenset()
        if any(part.name not in known for part in parts):
            return Position(parts, known, have)
        return Position(
            parts, known, have, self._commit(step, {part.name: known[part.name] for part in parts})
        )

    def _commit(self, step: Step, receipts: Mapping[str, Receipt]) -> Artifact:
        work = work_of(step, self._library, receipts, complete=True)
        have = frozenset(name for receipt in receipts.values() for name in receipt.files)
        view = step.stage.view(work, have)
        artifact = self._library.commit(step.item, work.folder, step.recipe, receipts.values(), view)
        shutil.rmtree(cache_of(step, self._environment), ignore_errors=True)
        return artifact

    def publish(
        self, survey: Survey, unfinished: Mapping[str, UnfinishedStep], progress: Mapping[str, Progress]
    ) -> ItemPublished:
        """Bring what viewers see of an item up to date, and say what they saw before."""
        self._environment.volumes.check()
        latest = publication(self._library, self._stages, survey, unfinished, progress)
        return ItemPublished(latest.report, self._publisher.publish(latest).before)

    def remove(self, item: Item, keep_until: float) -> None:
        """Take an item off the page and into the trash, original and stream; repeating it is harmless.

        One that is to be kept until 0 is deleted at once, as a person requested.
        """
        self._environment.volumes.check()
        self._publisher.withdraw(item.slug)
        self._environment.originals.remove(item, keep_until)
        self._library.discard(item)
        for cache in caches_of(item, self._environment):
            shutil.rmtree(cache, ignore_errors=True)
        if keep_until <= 0:
            self._purge(item)

    def restore(self, item_id: str) -> Item:
        """Bring an item back from the trash; harmless when it is back already. Raises BadInput when it is in neither place."""
        self._environment.volumes.check()
        originals = self._environment.originals
        item = originals.in_trash(item_id) or originals.item(item_id)
        if item is None:
            raise BadInput(f"There is no {item_id} in the trash.")
        originals.restore(item)
        self._library.restore(item)
        return item

    def _purge(self, item: Item) -> None:
        if self._environment.originals.is_only_in_archive(item):
            self._environment.volumes.check("archive")
        self._library.workshop.purge(item.slug)
        self._environment.originals.purge(item)

    def discarded(self, inboxes: Collection[Path]) -> Discarded:
        """What lies in the trash and in the inboxes' `_failed`.

        What belongs to no removed item is listed only where every removed item can be read: else it may belong to one.
        """
        self._environment.volumes.check()
        scan, removed = self._environment.originals.trash(), list(self._environment.originals.removed())
        keyed = [(f"trash:{item.id}:{keep_until}", item, keep_until) for item, keep_until in removed]
        slugs = {item.slug for item in scan.items}
        names = () if scan.unreadable else self._library.workshop.discarded()
        return Discarded(
            items={key: item for key, item, _ in keyed},
            at_once=frozenset(key for key, _, keep_until in keyed if keep_until <= 0),
            strays={f"stray:{name}": name for name in names if name not in slugs},
            failed=tuple(quarantine.keys(inboxes)) if self._retention.failed_seconds else (),
        )

    def measure(self, item: Item) -> None:
        """Note the SHA-256 of an item's original, so that it is known when it is dropped again and this one is gone."""
        self._environment.originals.measure(item, self._environment.stop)

    def retire(self, item: Item) -> str:
        """Archive or delete the original of a finished video, as the configuration says. Returns which, "" for neither."""
        originals, volumes = self._environment.originals, self._environment.volumes
        volumes.check()
        if self._retention.originals == "archive":
            volumes.check("archive")
            volumes.check_room({"archive": item.size_bytes})
            is_there, stop = partial(volumes.check, "archive"), self._environment.stop
            return "archived" if originals.put_into_archive(item, stop, is_there) else ""
        return "deleted" if originals.delete(item, self._environment.stop) else ""

    def delete(self, expired: Discarded, inboxes: Collection[Path]) -> list[str]:
        """Delete these for good; returns their names. What is on an absent archive stays until it is back."""
        self._environment.volumes.check()
        deleted = []
        for item in expired.items.values():
            with suppress(Unavailable):
                self._purge(item)
                deleted.append(item.slug)
        for name in expired.strays.values():
            self._library.workshop.purge(name)
            deleted.append(name)
        return deleted + [path.name for path in quarantine.clear(inboxes, expired.failed)]
