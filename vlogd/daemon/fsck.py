"""Compares journal, originals and library: what is known, what is kept, what is published.

The daemon mends most of this by itself when it starts; this tells it beforehand, and finds what only a
look at every file can find. Repairs are made under the daemon's lock.
"""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vlogd.config import Config
from vlogd.core import digest, files
from vlogd.core.errors import Unavailable
from vlogd.core.model import Item
from vlogd.daemon.lock import Lock
from vlogd.daemon.state_folder import volumes_of
from vlogd.storage import journal_recovery
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import Damaged, sqlite_url
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be. `mended` says what was done about it, "" when nothing was."""

    where: str
    sentence: str
    mended: str = ""


class Check:
    """`deep` reads every byte; `repair` mends. Raises Unavailable to repair while a daemon runs."""

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
            away = self._volumes.problem()
            return list(self._all()) if away is None else [Difference("disks", away)]
        finally:
            if lock is not None:
                lock.release()

    def _lock(self) -> Lock:
        """Nobody else may write meanwhile, and what we write must remain the daemon's."""
        state = self._config.state
        if state.is_dir() and state.stat().st_uid != os.geteuid():
            raise Unavailable(
                f"To repair, be the user whom {state} belongs to: `sudo -u {state.owner()} vlogd fsck --repair`."
            )
        return Lock(state)

    def _all(self) -> Iterator[Difference]:
        try:
            scan = self._originals.scan()
        except OSError as error:
            yield from self._unjudged((f"{self._originals.root} cannot be read: {error.strerror}.",))
            return
        if scan.unreadable:
            yield from self._unjudged(scan.unreadable)
            return
        kept = {item.id: item for item in scan.items}
        journal, told = self._journal()
        yield from told
        known = {} if journal is None else {item.id: item for item in journal.items.all()}
        yield from self._unknown(kept, known, journal)
        for item in kept.values():
            yield from self._original(item)
            yield from self._outputs(item)
        yield from self._strangers({item.slug for item in (*kept.values(), *known.values())})
        yield from self._leftovers()
        if journal is not None:
            journal.close()

    def _unjudged(self, sentences: Sequence[str]) -> Iterator[Difference]:
        """Whatever else is there may belong to what could not be read."""
        yield from (Difference("originals", sentence) for sentence in sentences)
        yield Difference("originals", "So nothing else was compared, and nothing was repaired.")

    def _journal(self) -> tuple[Journal | None, list[Difference]]:
        path = journal_recovery.journal_file(self._config.state)
        try:
            if path.exists():
                journal = Journal(sqlite_url(path), read_only=not self._repair)
                if journal.is_sound():
                    return journal, []
                journal.close()
            elif not self._repair:
                return None, [Difference(str(path), "It is missing; vlogd rebuilds it at its next start.")]
        except Damaged:
            pass
        if not self._repair:
            return None, [
                Difference(str(path), "It is damaged; vlogd sets it aside at its next start and rebuilds it.")
            ]
        journal = journal_recovery.open_journal(self._config.state)
        return journal, [Difference(str(path), "It was missing or damaged.", "a new one was begun")]

    def _unknown(
        self, kept: dict[str, Item], known: dict[str, Item], journal: Journal | None
    ) -> Iterator[Difference]:
        for item in kept.values():
            if journal is not None and item.id not in known:
                if self._repair:
                    journal.items.add(item)
                yield self._difference(item.slug, "The journal does not know it.", "it was added")
        for item in known.values():
            if item.id in kept:
                continue
            if self._library.folder(item).exists():
                yield Difference(
                    item.slug,
                    f"Its folder {self._originals.root / item.id} is gone, its stream is there. Drop the "
                    "file again to keep it, or take it off the page with `vlogd rm`.",
                )
            else:
                if self._repair and journal is not None:
                    journal.items.remove(item.id)
                yield self._difference(item.slug, "Neither original nor stream is there.", "it was forgotten")

    def _original(self, item: Item) -> Iterator[Difference]:
        path = self._originals.find(item)
        if path is None:
            if not self._originals.was_deleted(item):
                yield Difference(item.slug, "Its original is not there. Drop the same file again.")
        elif path.stat().st_size != item.size_bytes:
            size = path.stat().st_size
            yield Difference(item.slug, f"Its original {path} has {size} bytes instead of {item.size_bytes}.")
        elif self._deep and digest.identity(path) != item.digest:
            yield Difference(item.slug, f"Its original {path} is not what was dropped: its bytes changed.")

    def _outputs(self, item: Item) -> Iterator[Difference]:
        can_be_made = self._originals.find(item) is not None
        for path, fault in self._library.faults(item, deep=self._deep):
            if can_be_made:
                if self._repair:
                    path.unlink(missing_ok=True)
                yield self._difference(item.slug, f"{path} {fault}.", "vlogd makes it again when it runs")
            else:
                why = "It is left as it is: without the original it cannot be made again."
                yield Difference(item.slug, f"{path} {fault}. {why}")

    def _strangers(self, slugs: set[str]) -> Iterator[Difference]:
        for path in self._library.strangers(slugs):
            target = self._library.workshop.discard_stray(path) if self._repair else None
            yield self._difference(
                path.name, "It is published, but no original belongs to it.", f"it was moved to {target}"
            )

    def _leftovers(self) -> Iterator[Difference]:
        for root in (self._library.root, self._originals.root):
            for parent, _, names in os.walk(root):
                for name in names:
                    if name.startswith(files.TEMPORARY_PREFIX):
                        path = Path(parent) / name
                        if self._repair:
                            with suppress(FileNotFoundError):
                                path.unlink()
                        yield self._difference(str(path), "A half-written file is left.", "it was removed")

    def _difference(self, where: str, sentence: str, mended: str) -> Difference:
        found = Difference(where, sentence)
        return dataclasses.replace(found, mended=mended) if self._repair else found
