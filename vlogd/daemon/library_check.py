"""Checks everything that should be there: at a start, and every `library_check_seconds` after it."""

import math
import time

from vlogd.config import Config
from vlogd.core.events import Emit, ItemsAdopted
from vlogd.core.model import Item
from vlogd.engine.controller import Controller
from vlogd.storage.journal import Journal


class LibraryCheck:
    """Has the engine look at all items, which surveys those that changed. Part of the deciding thread."""

    def __init__(self, config: Config, journal: Journal, controller: Controller, emit: Emit) -> None:
        self._config = config
        self._journal = journal
        self._controller = controller
        self._emit = emit
        self._next_at = math.inf  # until the first look, which waits for the disks

    def check(self) -> None:
        """Look at all known items, newest first, and add to the journal the originals that it lacks.

        The journal may lack items because it was lost, or could not be written for long.
        """
        self._next_at = time.monotonic() + self._config.library_check_seconds
        known = self._journal.items.ids()
        self._controller.maintenance.open(set(known), self._adopt)
        self._controller.maintenance.look(known)
        self._controller.maintenance.tidy([inbox.folder for inbox in self._config.inboxes])

    def check_if_due(self) -> None:
        """Look again when it is due."""
        if time.monotonic() >= self._next_at:
            self.check()

    def _adopt(self, items: list[Item]) -> None:
        if items:
            self._emit(ItemsAdopted(len(items)))
            self._controller.adopt(items)
