"""The thread that owns all inboxes: hears hints, lists folders, settles, takes.

Hints are for speed; the listing of each inbox at the start and every `rescan_seconds` is the truth.
Both feed the same settle rule. It sleeps until a hint comes or the next file may be complete.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vlogd import names, watchers
from vlogd.errors import BadInput, Stopping, ToolFailed, ToolKilled, Unavailable
from vlogd.inbox import Inbox
from vlogd.intake import Changed, Intake, Left, Outcome, look
from vlogd.settle import Settling
from vlogd.watcher import Watcher
from vlogd.whole import is_open_for_writing, proves_whole

_RETRY_SECONDS = 30.0


@dataclass(frozen=True)
class Trouble:
    """Something of an inbox is not as it should be, and why; "" when it is well again."""

    place: str
    sentence: str


@dataclass
class _Door:
    """One inbox with its watcher and what settles in it."""

    inbox: Inbox
    settling: Settling
    watcher: Watcher | None = None
    watched: tuple[int, int] | None = None
    next_scan_at: float = 0.0
    left: dict[Path, str] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    skipped: set[Path] = field(default_factory=set)
    held: set[Path] = field(default_factory=set)


class Arrival:
    """Runs in a thread of its own; `tell` is called from it and must be thread-safe."""

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        intake: Intake,
        tell: Callable[[Outcome | Trouble], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._doors = [_Door(inbox, Settling(inbox.settle_seconds)) for inbox in inboxes]
        self._intake = intake
        self._tell = tell
        self._clock = clock
        self._hints: queue.SimpleQueue[tuple[_Door, Path] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="vlogd-arrival", daemon=True)
        self._stopping = threading.Event()
        self._scanned = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and join; a claim in progress goes on at the next start."""
        self._stopping.set()
        self._hints.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def settling(self) -> int:
        """How many files are being waited for."""
        return sum(len(door.settling) for door in self._doors)

    def idle(self) -> bool:
        """Whether every inbox was listed and nothing in them is about to be taken."""
        return self._scanned.is_set() and self._hints.empty() and not self.settling

    def _run(self) -> None:
        inboxes = {door.inbox.name: door.inbox for door in self._doors}
        with suppress(Stopping):
            try:
                for outcome in self._intake.recover(inboxes):
                    self._tell(outcome)
            except (Unavailable, OSError, ToolFailed, ToolKilled) as error:
                self._tell(Trouble("*", f"What was claimed before could not be taken up: {error}"))
            while not self._stopping.is_set():
                self._scan_due()
                self._take_settled()
                self._scanned.set()
                self._hear()
        for door in self._doors:
            if door.watcher is not None:
                door.watcher.stop()

    def _hear(self) -> None:
        """Sleep until a hint or the next due time; then look at what the hints name."""
        due = [
            at
            for door in self._doors
            for at in (door.next_scan_at, door.settling.next_look_at())
            if at is not None
        ]
        wait = max(0.05, min(due) - self._clock()) if due else None
        try:
            hint = self._hints.get(timeout=wait)
        except queue.Empty:
            return
        paths: dict[Path, _Door] = {}
        while hint is not None:
            paths[hint[1]] = hint[0]
            try:
                hint = self._hints.get_nowait()
            except queue.Empty:
                break
        for path, door in paths.items():
            self._see(door, path)

    def _scan_due(self) -> None:
        now = self._clock()
        for door in self._doors:
            if door.next_scan_at <= now:
                door.next_scan_at = now + door.inbox.rescan_seconds
                door.skipped.clear()
                self._watch(door)
                with suppress(OSError):
                    self._intake.take_back(door.inbox)
                self._scan(door, door.inbox.folder)
                for path in door.settling.paths:
                    self._see(door, path)

    def _watch(self, door: _Door) -> None:
        """Watch the inbox's folder once it is there, anew when it is another one; poll if it must be, saying why."""
        place = _place(door.inbox.folder)
        if door.watcher is not None and place == door.watched:
            return
        if door.watcher is not None:
            door.watcher.stop()
        door.watcher, door.watched = None, place
        if place is None:
            self._complain(
                door, "folder", f"The inbox {door.inbox.folder} is not there; create it or mount its disk."
            )
            return
        self._complain(door, "folder", "")
        kind = watchers.suited(door.inbox.folder) if door.inbox.watch == "auto" else door.inbox.watch
        hear = lambda path: self._hints.put((door, path))  # noqa: E731 - one line says it
        try:
            door.watcher = watchers.WATCHERS[kind]()
            door.watcher.start(door.inbox.folder, hear)
            self._complain(door, "watching", "")
        except Unavailable as error:
            self._complain(door, "watching", f"{error} It is listed every few seconds instead.")
            door.watcher = watchers.WATCHERS["polling"]()
            door.watcher.start(door.inbox.folder, hear)

    def _complain(self, door: _Door, about: str, sentence: str) -> None:
        """Tell what is wrong, or with "" that it no longer is, once."""
        if door.troubles.get(about, "") != sentence:
            door.troubles[about] = sentence
            self._tell(Trouble(f"{door.inbox.name}: {about}", sentence))

    def _scan(self, door: _Door, folder: Path) -> None:
        for parent, folders, found in os.walk(folder):
            folders[:] = [name for name in folders if not names.is_litter(name)]
            for name in found:
                self._see(door, Path(parent) / name)
            for name in folders:
                if (Path(parent) / name).is_symlink():
                    self._see(door, Path(parent) / name)

    def _see(self, door: _Door, path: Path) -> None:
        """Look at one path that somebody named."""
        try:
            inside = path.relative_to(door.inbox.folder)
        except ValueError:
            return
        if any(names.is_litter(part) for part in inside.parts) or not inside.parts:
            return
        try:
            if path.is_dir() and not path.is_symlink():
                self._scan(door, path)
                return
            sighting = look(path)
        except OSError:
            door.settling.forget(path)
            return
        if isinstance(sighting, str):
            self._leave(door, Left(path, door.inbox.name, sighting))
        elif (
            path not in door.left and door.settling.see(path, sighting, self._clock()) and proves_whole(path)
        ):
            door.settling.proven(path)

    def _take_settled(self) -> None:
        for door in self._doors:
            for path in door.settling.complete(self._clock()):
                if self._stopping.is_set():
                    return
                self._take_if_unchanged(door, path)

    def _take_if_unchanged(self, door: _Door, path: Path) -> None:
        expected = door.settling.sighting(path)
        try:
            if look(path) == expected and not self._is_held(door, path):
                self._take(door, path)
        except OSError:
            pass
        finally:
            door.settling.forget(path)
        self._see(door, path)

    def _is_held(self, door: _Door, path: Path) -> bool:
        """Whether somebody has the file open for writing, however long ago the last byte came. Said once."""
        if not is_open_for_writing(path):
            return False
        if path not in door.held:
            door.held.add(path)
            why = "Another program still has it open for writing; it is taken when that one closes it."
            self._tell(Left(path, door.inbox.name, why))
        return True

    def _take(self, door: _Door, path: Path) -> None:
        expected = look(path)
        if isinstance(expected, str):
            return
        try:
            outcome = self._intake.take(path, door.inbox, expected)
        except (Unavailable, ToolFailed, ToolKilled, BadInput) as error:
            self._complain(door, "taking", str(error))
            door.skipped.add(path)
            door.next_scan_at = min(door.next_scan_at, self._clock() + _RETRY_SECONDS)
            return
        self._complain(door, "taking", "")
        door.held.discard(path)
        if isinstance(outcome, Left):
            self._leave(door, outcome)
        elif not isinstance(outcome, Changed):
            self._tell(outcome)

    def _leave(self, door: _Door, outcome: Left) -> None:
        """Say once why something stays where it is; the next rescan tries it again."""
        door.skipped.add(outcome.path)
        if door.left.get(outcome.path) != outcome.sentence:
            door.left[outcome.path] = outcome.sentence
            self._tell(outcome)


def _place(folder: Path) -> tuple[int, int] | None:
    """Which folder it is, so that one that was made or mounted anew is known as another; None when not there."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if folder.is_dir() else None
