"""Compares journal, originals and library: what is known, what is stored, what is published.

The daemon repairs most of this by itself when it starts; `vlogd fsck` reports it beforehand, and finds what only reading
every file can find. Repairs are made under the daemon's lock and leases, and never throw away what may be missed: an output
is deleted only when its original was read to the end, and a video without an original stays unless it is named.
"""

import dataclasses
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlogd.config import Config
from vlogd.core import digest, files
from vlogd.core.errors import Unavailable
from vlogd.core.model import File, Item
from vlogd.daemon.lock import Lock
from vlogd.daemon.state_folder import volumes_of
from vlogd.storage import item_document, journal_recovery, set_aside
from vlogd.storage.journal import Journal
from vlogd.storage.lease import Observing
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.tree import Tree

_PAUSE_SECONDS = 1.0
"""Between two looks whether a vlogd on another machine still runs."""

_ITEM_ID = re.compile("[0-9a-f]+")


@dataclass(frozen=True)
class Difference:
    """One inconsistency. `repaired` says what was done about it, "" when nothing was."""

    where: str
    sentence: str
    repaired: str = ""


class ConsistencyCheck:
    """`deep` reads every byte; `repair` repairs; `strangers` names videos without an original that are to leave the page.

    Raises Unavailable when it should repair while a daemon is running, here or on another machine. `tell` gets a
    sentence when that takes a while to be seen.
    """

    def __init__(
        self,
        config: Config,
        *,
        deep: bool,
        repair: bool,
        strangers: Collection[str] = (),
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._config = config
        self._deep = deep
        self._repair = repair
        self._unwanted = frozenset(strangers)
        self._tell = tell
        self._originals = Originals(config.originals, config.retention.archive)
        self._library = Library(config.library)
        self._volumes = volumes_of(config)

    def run(self) -> list[Difference]:
        """All differences, the journal's first."""
        lock = self._lock() if self._repair else None
        try:
            problem = self._volumes.problem()
            if problem is not None:
                return [Difference("disks", problem)]
            if self._repair:
                self._take_leases()
            return list(self._differences())
        finally:
            self._volumes.close()
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

    def _take_leases(self) -> None:
        has_told = False
        while True:
            try:
                return self._volumes.check()
            except Observing as error:
                if not has_told:
                    self._tell(str(error))
                has_told = True
                time.sleep(_PAUSE_SECONDS)

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
        yield from self._without_document(kept)
        for item in kept.values():
            yield from self._of_item(item)
        yield from self._strangers({item.slug for item in (*kept.values(), *known.values())})
        yield from self._set_aside()
        yield from self._leftovers()

    def _open_journal(self) -> tuple[Journal | None, list[Difference]]:
        path = journal_recovery.journal_file(self._config.state)
        problem = "is missing"
        if path.exists():
            journal = journal_recovery.sound_journal(path, read_only=not self._repair)
            if journal is not None and journal.is_begun():
                return journal, []
            problem = "is damaged" if journal is None else "is empty"
            if journal is not None:
                journal.close()
        if self._repair:
            journal = journal_recovery.open_journal(self._config.state)
            return journal, [Difference(str(path), f"It {problem}.", "a new one was started")]
        return None, [Difference(str(path), f"It {problem}; vlogd rebuilds it when it starts.")]

    def _missing_in_journal(
        self, kept: Mapping[str, Item], known: Mapping[str, Item], journal: Journal
    ) -> Iterator[Difference]:
        addresses = {item.slug for item in known.values()}
        for item in sorted(kept.values(), key=lambda item: item.accepted_at):
            if item.id in known:
                continue
            if item.slug in addresses:
                sentence = (
                    f"{item.id} has the address of another video; it gets a longer one when vlogd runs."
                )
                yield Difference(item.slug, sentence)
                continue
            addresses.add(item.slug)
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

    def _without_document(self, kept: Collection[str]) -> Iterator[Difference]:
        """Folders of items whose document is lost: without the journal, their videos look like strangers."""
        originals = Tree(self._originals.root)
        for name in sorted(originals.names()):
            if name not in kept and _ITEM_ID.fullmatch(name) and any(originals.names(name)):
                yield Difference(
                    str(originals.path(name)),
                    f"Its {item_document.NAME} is gone, so vlogd does not know the video. Restore that file from a backup, or "
                    "move the folder elsewhere and drop its video again.",
                )

    def _of_item(self, item: Item) -> Iterator[Difference]:
        """One item that cannot be read doesn't keep the others from being checked."""
        try:
            of_original = list(self._of_original(item, read=self._deep))
            yield from of_original
            faults = list(self._library.faults(item, deep=self._deep))
            if faults and self._repair and not of_original and not self._deep:
                of_original = list(self._of_original(item, read=True))
                yield from of_original
            can_be_made = not of_original and self._has_source(item)
            for path, fault in faults:
                yield self._of_output(item, path, fault, can_be_made=can_be_made)
        except (OSError, Unavailable) as error:
            yield Difference(item.slug, f"It cannot be checked: {error}")

    def _of_original(self, item: Item, *, read: bool) -> Iterator[Difference]:
        path = self._originals.find(item)
        if path is None:
            if isinstance(item.source, File) and not self._originals.was_deleted(item):
                away = self._volumes.problem("archive") if self._config.retention.archive else None
                advice = f"It may be in the archive: {away}" if away else self._advice(item)
                yield Difference(item.slug, f"Its original is missing. {advice}")
            return
        try:
            size_bytes = path.stat().st_size
            if size_bytes != item.size_bytes:
                yield Difference(
                    item.slug, f"Its original {path} has {size_bytes} bytes instead of {item.size_bytes}."
                )
            elif read and not _is_intact(path, item, self._originals.sha256(item)):
                yield Difference(item.slug, f"Its original {path} has changed since it was dropped.")
        except OSError as error:
            yield Difference(
                item.slug, f"Its original {path} cannot be read: {error.strerror}. Check its disk."
            )

    def _advice(self, item: Item) -> str:
        if digest.identity_covers(item.size_bytes) or self._originals.sha256(item) is not None:
            return "Drop the same file again."
        return "Dropped again, it becomes a video of its own: no SHA-256 shows that it is the same file."

    def _set_aside(self) -> Iterator[Difference]:
        for path in set_aside.what_is_there(self._originals.root):
            yield Difference(
                str(path), "It lay in a video's place and was set aside. Look at it, then move or delete it."
            )

    def _has_source(self, item: Item) -> bool:
        return not isinstance(item.source, File) or self._originals.find(item) is not None

    def _of_output(self, item: Item, path: Path, fault: str, *, can_be_made: bool) -> Difference:
        if not can_be_made:
            return Difference(
                item.slug,
                f"{path} {fault}. It is left as it is: without the intact original it cannot be rebuilt.",
            )
        if self._repair:
            path.unlink(missing_ok=True)
        return self._repaired(item.slug, f"{path} {fault}.", "vlogd makes it again when it runs")

    def _strangers(self, slugs: Collection[str]) -> Iterator[Difference]:
        """Videos of other originals, of lost ones, or of nobody. One wrong name, and none of them is moved."""
        paths = [
            path for path in self._library.strangers(slugs) if not path.name.startswith(files.OWN_PREFIX)
        ]
        wrong = sorted(self._unwanted - {path.name for path in paths})
        for name in wrong:
            yield Difference(name, "There is no such stranger, so none is moved to the trash.")
        for path in paths:
            if self._repair and path.name in self._unwanted and not wrong:
                target = self._library.workshop.discard_stray(path)
                yield Difference(path.name, "No original belongs to it.", f"it was moved to {target}")
            else:
                yield Difference(
                    path.name,
                    "It is published, but no original here belongs to it; it stays. To move it to the trash, name it: "
                    f"vlogd fsck --repair --strangers {path.name}",
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
        return dataclasses.replace(difference, repaired=repair) if self._repair else difference


def _is_intact(path: Path, item: Item, sha256: str | None) -> bool:
    """Whether an original has its digests, and every byte can be read. Raises OSError."""
    found = digest.of_file(path)
    return found == (sha256 or found) and digest.identity(path) == item.digest


def _unjudged(sentences: Sequence[str]) -> Iterator[Difference]:
    """Whatever else is there may belong to what could not be read."""
    yield from (Difference("originals", sentence) for sentence in sentences)
    yield Difference("originals", "So nothing else was compared, and nothing was repaired.")
