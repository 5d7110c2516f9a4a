"""The thread that owns all inboxes: hears hints, lists folders, settles, takes.

Hints are for speed; the listing of each inbox at the start and every `rescan_seconds` is the truth.
Both feed the same settle rule. It sleeps until a hint comes or the next file may be complete. Whatever
goes wrong with one file or folder is told, and the others are taken all the same.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from vlogd.core.errors import Stopping, Unavailable
from vlogd.core.log import get_logger
from vlogd.ingest import ignored_names, quarantine
from vlogd.ingest.completeness import is_open_for_writing, proves_whole
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.inbox_watch import Complaints, Door, Trouble
from vlogd.ingest.intake import Intake, look
from vlogd.ingest.outcomes import Changed, Left, Outcome
from vlogd.ingest.stability import Settling, Sighting

_log = get_logger()

_RETRY_SECONDS = 30.0
_PAUSE_SECONDS = 1.0

Said = Outcome | Trouble


class Arrival:
    """Runs in a thread of its own; `tell` is called from it and must be thread-safe."""

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        intake: Intake,
        tell: Callable[[Said], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hints: queue.SimpleQueue[tuple[Door, Path] | None] = queue.SimpleQueue()
        self._complaints = Complaints(tell)
        self._doors = [
            Door(inbox, tell, self._complaints, partial(self._hint, number), Settling(inbox.settle_seconds))
            for number, inbox in enumerate(inboxes)
        ]
        self._intake = intake
        self._tell = tell
        self._clock = clock
        self._thread = threading.Thread(target=self._run, name="vlogd-arrival", daemon=True)
        self._stopping = threading.Event()
        self._scanned = threading.Event()
        self._claims: dict[Path, str] = {}

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

    def _hint(self, number: int, path: Path) -> None:
        self._hints.put((self._doors[number], path))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._scan_due()
                self._take_settled()
                self._scanned.set()
                self._complaints.say("inboxes", "")
                self._hear()
            except Stopping:
                break
            except Exception as error:  # noqa: BLE001 - a bug with one file must not end all arrivals
                _log.error("bug", where="arrival", exc_info=error)
                self._complaints.say(
                    "inboxes", f"vlogd met an error it did not foresee ({error!r}); please report it."
                )
                self._scanned.set()
                self._stopping.wait(_PAUSE_SECONDS)
        for door in self._doors:
            door.close()

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
        paths: dict[Path, Door] = {}
        while hint is not None:
            paths[hint[1]] = hint[0]
            try:
                hint = self._hints.get_nowait()
            except queue.Empty:
                break
        for path, door in paths.items():
            self._see(door, path)

    # Listing

    def _scan_due(self) -> None:
        now = self._clock()
        due = [door for door in self._doors if door.next_scan_at <= now]
        if due:
            self._recover()
        for door in due:
            door.next_scan_at = now + door.inbox.rescan_seconds
            door.resting.clear()
            door.watch()
            with suppress(OSError):
                quarantine.take_back(door.inbox.folder)
            self._scan(door, door.inbox.folder)
            for path in [*door.settling.paths, *door.left]:
                self._see(door, path)

    def _recover(self) -> None:
        """Go on with what was claimed and not accepted, in an earlier run or in this one."""
        claims: dict[Path, str] = {}
        try:
            for outcome in self._intake.recover({door.inbox.name: door.inbox for door in self._doors}):
                if isinstance(outcome, Left):
                    claims[outcome.path] = outcome.sentence
                if not isinstance(outcome, Left) or self._claims.get(outcome.path) != outcome.sentence:
                    self._tell(outcome)
        except (Unavailable, OSError) as error:
            self._complaints.say("claims", f"What was claimed before could not be taken up: {error}")
        else:
            self._complaints.say("claims", "")
        self._claims = claims

    def _scan(self, door: Door, folder: Path) -> None:
        for parent, folders, found in os.walk(folder, onerror=partial(self._closed, door)):
            folders[:] = [name for name in folders if not ignored_names.is_litter(name)]
            for name in found:
                self._see(door, Path(parent) / name)
            for name in folders:
                if os.path.islink(os.path.join(parent, name)):  # noqa: PTH114, PTH118 - tells errors as False
                    self._see(door, Path(parent) / name)

    def _closed(self, door: Door, error: OSError) -> None:
        """A folder that cannot be listed."""
        if isinstance(error, FileNotFoundError) or Path(error.filename) == door.inbox.folder:
            return
        why = f"vlogd may not look into this folder ({error.strerror}); correct its permissions."
        door.leave(Left(Path(error.filename), door.inbox.name, why), "closed")

    def _see(self, door: Door, path: Path) -> None:
        """Look at one path that somebody named."""
        try:
            inside = path.relative_to(door.inbox.folder)
        except ValueError:
            return
        if any(ignored_names.is_litter(part) for part in inside.parts) or not inside.parts:
            return
        try:
            if path.is_dir() and not path.is_symlink():
                if os.access(path, os.R_OK | os.X_OK):
                    door.well(path)
                self._scan(door, path)
                return
            sighting = look(path)
        except PermissionError as error:
            why = f"vlogd may not look at it ({error.strerror}); correct its folder's permissions."
            door.leave(Left(path, door.inbox.name, why), why)
            return
        except OSError:
            door.settling.forget(path)
            door.well(path)
            return
        if isinstance(sighting, str):
            door.leave(Left(path, door.inbox.name, sighting), sighting)
        elif (
            door.resting.get(path) != sighting
            and door.settling.see(path, sighting, self._clock())
            and proves_whole(path)
        ):
            door.settling.proven(path)

    # Taking

    def _take_settled(self) -> None:
        for door in self._doors:
            for path in door.settling.complete(self._clock()):
                if self._stopping.is_set():
                    return
                self._take_if_unchanged(door, path)

    def _take_if_unchanged(self, door: Door, path: Path) -> None:
        expected = door.settling.sighting(path)
        try:
            if _looks_like(path, expected) and not self._is_held(door, path):
                self._take(door, path, expected)
        finally:
            door.settling.forget(path)  # only now: until it is taken there is something to do
        self._see(door, path)

    def _is_held(self, door: Door, path: Path) -> bool:
        """Whether somebody has the file open for writing, however long ago the last byte came. Said once."""
        if not is_open_for_writing(path):
            return False
        if path not in door.held:
            door.held.add(path)
            why = "Another program still has it open for writing; it is taken when that one closes it."
            self._tell(Left(path, door.inbox.name, why))
        return True

    def _take(self, door: Door, path: Path, expected: Sighting) -> None:
        try:
            outcome = self._intake.take(path, door.inbox, expected)
        except Unavailable as error:
            door.complain("taking", str(error))
            door.resting[path] = expected
            door.next_scan_at = min(door.next_scan_at, self._clock() + _RETRY_SECONDS)
            return
        door.complain("taking", "")
        if isinstance(outcome, Left) and outcome.path == path:
            door.leave(outcome, expected)
        elif not isinstance(outcome, Changed):
            door.well(path)
            self._tell(outcome)


def _looks_like(path: Path, expected: Sighting) -> bool:
    try:
        return look(path) == expected
    except OSError:
        return False
