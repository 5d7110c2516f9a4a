"""Compares journal, originals and library: what is known, what is stored, what is published.

The daemon repairs most of this by itself when it starts; `vlogd fsck` reports it beforehand, and finds what only reading
every file can find. Repairs are made under the daemon's lock.
"""

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlogd.config import Config
from vlogd.core import digest, files
from vlogd.core.errors import Malformed, NewerFormat, Unavailable
from vlogd.core.model import File, Item
from vlogd.daemon.lock import Lock
from vlogd.daemon.state_folder import volumes_of
from vlogd.storage import journal_recovery
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import Damaged, sqlite_url
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals


@dataclass(frozen=True)
class Difference:
    """One inconsistency. `mended` says what was done about it, "" when nothing was."""

    where: str
    sentence: str
    mended: str = ""


class ConsistencyCheck:
    """`deep` reads every byte; `repair` repairs. Raises Unavailable when it should repair while a daemon is running."""

    def __init__(self, config: Config, *, deep: bool, repair: bool) -> None:
        self._config = config
        self._deep = deep
        self._repair = repair
        self._originals = Originals(config.originals, config.retention.archive)
        self._library = Library(config.library)
        self._volumes = volumes_of(config)

    def run(self) -> list[Difference]:
        """All differences, the journal's first."""
        lock = self._lock() if self._repair else None
        try:
            problem = self._volumes.problem()
            return list(self._differences()) if problem is None else [Difference("disks", problem)]
        finally:
            if lock is not None:
                lock.release()

    def _lock(self) -> Lock:
        """Nothing else may write meanwhile, and what is written must belong to the daemon's user."""
        state = self._config.state
        if state.is_dir() and state.stat().st_uid != os.geteuid():
            raise Unavailable(
                f"Repairs must be made by the owner of {state}: `sudo -u {state.owner()} vlogd fsck --repair`."
            )
        return Lock(state)

    def _differences(self) -> Iterator[Difference]:
        try:
            scan = self._originals.scan()
        except OSError as error:
            yield from _unjudged((f"{self._originals.root} cannot be read: {error.strerror}.",))
            return
        if scan.unreadable:
            yield from _unjudged(scan.unreadable)
            return
        kept = {item.id: item for item in scan.items}
        journal, of_journal = self._open_journal()
        yield from of_journal
        known: dict[str, Item] = {}
        if journal is not None:
            known = {item.id: item for item in journal.items.all()}
            yield from self._missing_in_journal(kept, known, journal)
            yield from self._missing_in_originals(kept, known, journal)
            journal.close()
        for item in kept.values():
            yield from self._of_item(item)
        yield from self._strays({item.slug for item in (*kept.values(), *known.values())})
        yield from self._leftovers()

    def _open_journal(self) -> tuple[Journal | None, list[Difference]]:
        path = journal_recovery.journal_file(self._config.state)
        problem = "is missing"
        if path.exists():
            try:
                journal = Journal(sqlite_url(path), read_only=not self._repair)
                if journal.is_sound():
                    return journal, []
                journal.close()
            except Damaged:
                pass
            problem = "is damaged"
        if self._repair:
            journal = journal_recovery.open_journal(self._config.state)
            return journal, [Difference(str(path), f"It {problem}.", "a new one was started")]
        return None, [Difference(str(path), f"It {problem}; vlogd rebuilds it when it starts.")]

    def _missing_in_journal(
        self, kept: Mapping[str, Item], known: Collection[str], journal: Journal
    ) -> Iterator[Difference]:
        for item in kept.values():
            if item.id not in known:
                if self._repair:
                    journal.items.add(item)
                yield self._repaired(item.slug, "It is not in the journal.", "it was added")

    def _missing_in_originals(
        self, kept: Collection[str], known: Mapping[str, Item], journal: Journal
    ) -> Iterator[Difference]:
        for item in known.values():
            if item.id in kept:
                continue
            if self._library.folder(item).exists():
                yield Difference(
                    item.slug,
                    f"Its folder {self._originals.root / item.id} is gone, but its stream is there. Drop the "
                    "file again to keep it, or remove it from the page with `vlogd rm`.",
                )
            else:
                if self._repair:
                    journal.items.remove(item.id)
                yield self._repaired(
                    item.slug, "Neither its original nor its stream is there.", "it was forgotten"
                )

    def _of_item(self, item: Item) -> Iterator[Difference]:
        """One item that cannot be read doesn't keep the others from being checked."""
        try:
            of_original = list(self._of_original(item))
            yield from of_original
            yield from self._of_outputs(item, can_be_made=not of_original and self._has_source(item))
        except (OSError, Malformed, NewerFormat) as error:
            yield Difference(item.slug, f"It cannot be checked: {error}")

    def _of_original(self, item: Item) -> Iterator[Difference]:
        path = self._originals.find(item)
        if path is None:
            if isinstance(item.source, File) and not self._originals.was_deleted(item):
                yield Difference(item.slug, "Its original is missing. Drop the same file again.")
            return
        size_bytes = path.stat().st_size
        if size_bytes != item.size_bytes:
            yield Difference(
                item.slug, f"Its original {path} has {size_bytes} bytes instead of {item.size_bytes}."
            )
        elif self._deep and digest.identity(path) != item.digest:
            yield Difference(item.slug, f"Its original {path} has changed since it was dropped.")

    def _has_source(self, item: Item) -> bool:
        return not isinstance(item.source, File) or self._originals.find(item) is not None

    def _of_outputs(self, item: Item, *, can_be_made: bool) -> Iterator[Difference]:
        for path, fault in self._library.faults(item, deep=self._deep):
            if can_be_made:
                if self._repair:
                    path.unlink(missing_ok=True)
                yield self._repaired(item.slug, f"{path} {fault}.", "vlogd makes it again when it runs")
            else:
                yield Difference(
                    item.slug,
                    f"{path} {fault}. It is left as it is: without the intact original it cannot be rebuilt.",
                )

    def _strays(self, slugs: Collection[str]) -> Iterator[Difference]:
        for path in self._library.strangers(slugs):
            target = self._library.workshop.discard_stray(path) if self._repair else None
            yield self._repaired(
                path.name, "It is published, but no original belongs to it.", f"it was moved to {target}"
            )

    def _leftovers(self) -> Iterator[Difference]:
        for root in (self._library.root, self._originals.root):
            for parent, _, names in os.walk(root):
                for name in names:
                    if name.startswith(files.TEMPORARY_PREFIX):
                        path = Path(parent) / name
                        if self._repair:
                            path.unlink(missing_ok=True)
                        yield self._repaired(str(path), "It was never completely written.", "it was deleted")

    def _repaired(self, where: str, sentence: str, repair: str) -> Difference:
        difference = Difference(where, sentence)
        return dataclasses.replace(difference, mended=repair) if self._repair else difference


def _unjudged(sentences: Sequence[str]) -> Iterator[Difference]:
    """Whatever else is there may belong to what could not be read."""
    yield from (Difference("originals", sentence) for sentence in sentences)
    yield Difference("originals", "So nothing else was compared, and nothing was repaired.")
