"""One inbox as the arrival thread keeps it: its watcher, what settles in it, what was left lying and why."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.outcomes import Left
from vlogd.ingest.stability import Settling, Sighting
from vlogd.storage import mounts
from vlogd.watchers import registry
from vlogd.watchers.contract import Watcher


@dataclass(frozen=True)
class Trouble:
    """Something of an inbox is not as it should be, and why; "" when it is well again."""

    place: str
    sentence: str


class Complaints:
    """Tells what is wrong at each place once, and with "" once that it no longer is."""

    def __init__(self, tell: Callable[[Trouble], None]) -> None:
        self._tell = tell
        self._told: dict[str, str] = {}

    def say(self, place: str, sentence: str) -> None:
        """What is wrong there now."""
        if self._told.get(place, "") != sentence:
            self._told[place] = sentence
            self._tell(Trouble(place, sentence))


@dataclass
class Door:
    """Used by the arrival thread only; `hear` takes the watcher's hints from any thread.

    `resting`: what is not tried again before the next listing, as it was when it was left; if it changes
    it is tried at once. `held`: what another program has open for writing.
    """

    inbox: Inbox
    tell: Callable[[Left], None]
    complaints: Complaints
    hear: Callable[[Path], None]
    settling: Settling
    next_scan_at: float = 0.0
    resting: dict[Path, Sighting | str] = field(default_factory=dict)
    held: set[Path] = field(default_factory=set)
    _watcher: Watcher | None = None
    _watched: tuple[int, int] | None = None
    _left: dict[Path, str] = field(default_factory=dict)

    def watch(self) -> None:
        """Watch the folder once it is there, anew when it is another one; poll if it must be, saying why."""
        place = _place(self.inbox.folder)
        if self._watcher is not None and place == self._watched:
            return
        self.close()
        self._watched = place
        if place is None:
            self.complain(
                "folder", f"The inbox {self.inbox.folder} is not there; create it or mount its disk."
            )
            return
        self.complain("folder", "")
        kind = (
            registry.suited(mounts.file_system(self.inbox.folder))
            if self.inbox.watch == "auto"
            else self.inbox.watch
        )
        try:
            self._begin(kind)
            self.complain("watching", "")
        except Unavailable as error:
            self.complain("watching", f"{error} It is listed every few seconds instead.")
            self._begin("polling")

    def close(self) -> None:
        """Watch no more."""
        if self._watcher is not None:
            self._watcher.stop()
        self._watcher = None

    def _begin(self, kind: str) -> None:
        self._watcher = registry.WATCHERS[kind]()
        self._watcher.start(self.inbox.folder, self.hear)

    def complain(self, about: str, sentence: str) -> None:
        """Tell what is wrong, or with "" that it no longer is, once."""
        self.complaints.say(f"{self.inbox.name}: {about}", sentence)

    def leave(self, outcome: Left, seen: Sighting | str) -> None:
        """Say once why something stays where it is; the next listing tries it again."""
        self.resting[outcome.path] = seen
        if self._left.get(outcome.path) != outcome.sentence:
            self._left[outcome.path] = outcome.sentence
            self.tell(outcome)

    def well(self, path: Path) -> None:
        """What was left is gone, or is as it should be."""
        self.held.discard(path)
        self.resting.pop(path, None)
        if self._left.pop(path, None) is not None:
            self.tell(Left(path, self.inbox.name, ""))

    @property
    def left(self) -> list[Path]:
        """What was left lying."""
        return list(self._left)


def _place(folder: Path) -> tuple[int, int] | None:
    """Which folder it is, so that one that was made or mounted anew is known as another; None when not there."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if os.path.isdir(folder) else None  # noqa: PTH112 - tells errors as False
