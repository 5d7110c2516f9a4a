"""Writes to the journal, now or as soon as it can be written again.

Another program's lock or a full disk must not stop work whose truth lies on the disks anyway. So writes wait here, up to a
limit; beyond it the oldest are dropped. Items are found again beside their originals, and the rest is history. Only
what nothing else remembers, the removal of an item, is always kept.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from vlogd.core.log import get_logger
from vlogd.storage.journal.database import Damaged, SqliteDatabase, Waiting

_log = get_logger()

MOST_WAITING = 10_000
"""About 20 MiB of writes."""

_PAUSE_PER_SECOND = 10.0
_SHORTEST_PAUSE_SECONDS = 1.0
"""How long to leave the journal alone after a failed attempt, for each second that it took. The deciding thread waits during
an attempt, so it spends less than a tenth of its time on them."""


@dataclass(frozen=True, eq=False)
class Write:
    """One query. If it must be kept, it is never dropped, and survives a power cut once it was made."""

    query: Any
    must_be_kept: bool = False


class Writer:
    """Used by one thread.

    `trouble` says in a sentence why writes wait, "" when none does; `dropped` counts those for which there was no room since.
    """

    def __init__(self, database: SqliteDatabase, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._waiting: list[Write] = []
        self._not_before = 0.0
        self.trouble = ""
        self.dropped = 0

    def write(self, *writes: Write) -> None:
        """Make these writes in one transaction, after the waiting ones."""
        self._waiting.extend(writes)
        if self._clock() >= self._not_before:
            self.flush()
        self._drop_surplus()

    @property
    def is_behind(self) -> bool:
        """Whether any write is waiting, or was dropped since the journal was last writable."""
        return bool(self._waiting) or self.dropped > 0

    def flush(self) -> None:
        """Try to make all waiting writes."""
        while self._waiting:
            began = self._clock()
            current = self._waiting[0]
            durable = any(write.must_be_kept for write in self._waiting)
            try:
                with self._database.durably() if durable else nullcontext(), self._database.peewee.atomic():
                    for current in self._waiting:
                        current.query.execute()
            except Exception as error:  # noqa: BLE001 - the other writes are made whatever this one raises
                translated = self._database.translated(error)
                if translated is not None:
                    self._wait(translated, began)
                    return
                _log.error("bug", why="The journal refuses a write.", exc_info=error)
                self._waiting.remove(current)
            else:
                self._waiting.clear()
        self._written()

    def flush_if_due(self) -> None:
        """Try again once the pause is over, even if there is nothing new to write."""
        if self._waiting and self._clock() >= self._not_before:
            self.flush()

    def _wait(self, trouble: Waiting | Damaged, began: float) -> None:
        now = self._clock()
        self._not_before = now + max(_SHORTEST_PAUSE_SECONDS, _PAUSE_PER_SECOND * (now - began))
        if str(trouble) != self.trouble:
            self.trouble = str(trouble)
            if isinstance(trouble, Damaged):
                _log.error("journal.damaged", why=f"{trouble} It is rebuilt at the next start.")
            else:
                _log.warning("journal.waits", why=str(trouble))

    def _drop_surplus(self) -> None:
        surplus = len(self._waiting) - MOST_WAITING
        if surplus <= 0:
            return
        if not self.dropped:
            _log.error(
                "journal.incomplete",
                why=f"{MOST_WAITING} writes wait already. The oldest are dropped: videos are found again beside their "
                "originals, at the next look at them; their history is lost.",
            )
        droppable = [index for index, write in enumerate(self._waiting) if not write.must_be_kept][:surplus]
        self.dropped += len(droppable)
        gone = set(droppable)
        self._waiting = [write for index, write in enumerate(self._waiting) if index not in gone]

    def _written(self) -> None:
        if self.trouble:
            _log.info("journal.written", dropped=self.dropped)
        self.trouble, self._not_before, self.dropped = "", 0.0, 0
