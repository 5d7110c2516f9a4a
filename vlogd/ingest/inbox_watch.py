"""One inbox as the ingest thread keeps it: its watcher, its listing, what is not stable yet, what was not taken and why.

Hints of the watcher are for speed; the listing at the start and every `rescan_seconds` is the truth. Both end in
`look`, which feeds the same rule of stability.
"""

import stat
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.core.tree_walk import MOST_LEVELS, TooDeep, walk
from vlogd.ingest import ignored_names, inbox_folder, quarantine
from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.file_state import FileState, file_state, is_unchanged
from vlogd.ingest.inbox import TURN_SECONDS, Inbox
from vlogd.ingest.outcomes import NotTaken, Resolved
from vlogd.ingest.problems import Problems
from vlogd.ingest.proofs import Proofs
from vlogd.ingest.stability import StabilityTracker
from vlogd.storage import mounts
from vlogd.watchers import registry
from vlogd.watchers.contract import Watcher

_RETRY_SECONDS = 30.0
"""How soon an inbox is listed again after a file could not be taken because a disk was missing or full."""

_UNREADABLE = "unreadable"
"""Stands for the state of a folder that cannot be listed."""

_MOST_NAMES = 200_000
"""What is known of one inbox at a time: about a kilobyte for each name that is waited for or was reported."""

_TOO_MANY = (
    f"It holds more than {_MOST_NAMES:,} files, and vlogd looks at no more at once; the others follow as soon as "
    "these are taken or moved away."
)
_TOO_DEEP = f"It lies more than {MOST_LEVELS} folders deep, and vlogd looks no deeper; move it up."


class InboxWatch:
    """Used by the ingest thread only; `hint` is given to the watcher, which may call it from any thread.

    `send` takes what is reported about files, `problems` what is wrong with the folder itself.
    """

    def __init__(
        self,
        inbox: Inbox,
        send: Callable[[NotTaken | Resolved], None],
        problems: Problems,
        hint: Callable[[Path], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inbox = inbox
        self._send = send
        self._problems = problems
        self._hint = hint
        self._clock = clock
        self._tracker = StabilityTracker(inbox.settle_seconds)
        self._proofs = Proofs(clock)
        self._next_scan_seconds = 0.0
        self._resting: dict[Path, FileState | str] = {}
        self._not_taken: dict[Path, str] = {}
        self._unlisted: set[Path] = set()
        self._watcher: Watcher | None = None
        self._watched: tuple[int, int] | None = None

    @property
    def unstable_count(self) -> int:
        """How many files are being waited for."""
        return len(self._tracker)

    def next_due_seconds(self) -> float:
        """When (by the clock) there is something to do even without a hint."""
        stable_at = self._tracker.next_due_seconds()
        return self._next_scan_seconds if stable_at is None else min(self._next_scan_seconds, stable_at)

    def scan_is_due(self) -> bool:
        """Whether the folder is to be listed now."""
        return self._next_scan_seconds <= self._clock()

    def scan(self) -> None:
        """List the whole folder, look again at what was not taken, and make sure that it is being watched.

        What the listing names is not looked for again: finding a path from the inbox on takes long where it is deep.
        """
        self._next_scan_seconds = self._clock() + self.inbox.rescan_seconds
        self._resting.clear()
        self._watch()
        with suppress(OSError):
            quarantine.take_back(self.inbox.folder)
        self._unlisted = {*self._tracker.paths, *self._not_taken}
        was_full = self._is_full()
        self._list_all()
        while self._unlisted:
            path = self._unlisted.pop()
            if path in self._tracker or path in self._not_taken:
                self.look(path)
        if was_full and not self._is_full():  # what is gone made room for others
            self._list_all()

    def look(self, path: Path) -> None:
        """Look at one path that a hint or the listing named."""
        if not self._is_ours(path):
            return
        try:
            with inbox_folder.entry(self.inbox.folder, path) as (folder, name):
                if stat.S_ISDIR(folder.status(name).st_mode):
                    with folder.folder(name) as below:
                        self._list(below, path)
                else:
                    self._look_at(folder, name, path)
        except OSError as error:
            self._cannot_look(path, error)

    def _look_at(self, folder: Folder, name: str, path: Path) -> None:
        """Look at what is no folder, but at nothing new when too much is known already."""
        self._unlisted.discard(path)
        if self._is_full() and path not in self._tracker and path not in self._not_taken:
            return
        try:
            state = file_state(folder.status(name))
            if isinstance(state, str):
                self._report_not_taken(path, state, state)
            elif self._resting.get(path) != state:
                is_new = self._tracker.observe(path, state, self._clock())
                if is_new and self._proofs.has(folder, name):
                    self._tracker.prove(path)
        except OSError as error:
            self._cannot_look(path, error)

    def _cannot_look(self, path: Path, error: OSError) -> None:
        if isinstance(error, PermissionError):
            sentence = (
                f"vlogd is not allowed to read it ({error.strerror}); correct its folder's permissions."
            )
            self._report_not_taken(path, sentence, sentence)
        else:
            self._tracker.forget(path)
            self.resolved(path)

    def ready(self) -> Generator[tuple[Path, FileState], None, None]:
        """The files that can be taken now, each in the state in which it is to be taken.

        A file counts as unstable until the caller asks for the next one: until it is taken there is something to do.
        What a turn of `TURN_SECONDS` is too short for comes with the next call.
        """
        end_seconds = self._clock() + TURN_SECONDS
        for path in self._tracker.stable(self._clock()):
            state = self._tracker.state(path)
            try:
                if self._is_ready(path, state):
                    yield path, state
            finally:
                self._tracker.forget(path)
            self.look(path)
            if self._clock() >= end_seconds:
                return

    def not_taken(self, outcome: NotTaken, state: FileState) -> None:
        """Report once why a file stays where it is. It is tried again at the next listing, or as soon as it changes."""
        self._report_not_taken(outcome.path, outcome.sentence, state)

    def postpone(self, path: Path, state: FileState, sentence: str) -> None:
        """Try a file again soon: the obstacle was a disk, not the file."""
        self._problems.set(f"{self.inbox.name}: taking", sentence)
        self._resting[path] = state
        self._next_scan_seconds = min(self._next_scan_seconds, self._clock() + _RETRY_SECONDS)

    def taking_works(self) -> None:
        """Note that no disk prevents taking files any more."""
        self._problems.clear(f"{self.inbox.name}: taking")

    def resolved(self, path: Path) -> None:
        """Note that nothing keeps a path from being taken, or that it is gone."""
        self._resting.pop(path, None)
        if self._not_taken.pop(path, None) is not None:
            self._send(Resolved(path))

    def close(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.stop()
        self._watcher = None

    # The folder

    def _watch(self) -> None:
        """Watch the folder once it is there, and again when it was replaced; poll where it cannot be watched."""
        identity = inbox_folder.identity(self.inbox.folder)
        if self._watcher is not None and identity == self._watched:
            return
        self.close()
        self._watched = identity
        about_folder, about_watching = f"{self.inbox.name}: folder", f"{self.inbox.name}: watching"
        if identity is None:
            self._problems.set(
                about_folder, f"The inbox {self.inbox.folder} is not there; create it or mount its disk."
            )
            return
        self._problems.clear(about_folder)
        suited = registry.suited(mounts.file_system(self.inbox.folder))
        try:
            self._start_watcher(suited if self.inbox.watch == "auto" else self.inbox.watch)
            self._problems.clear(about_watching)
        except Unavailable as error:
            self._problems.set(about_watching, f"{error} It is listed every few seconds instead.")
            self._start_watcher("polling")

    def _start_watcher(self, name: str) -> None:
        self._watcher = registry.WATCHERS[name]()
        self._watcher.start(self.inbox.folder, self._hint)

    def _list_all(self) -> None:
        with suppress(OSError), Folder.at(self.inbox.folder) as root:
            self._list(root, self.inbox.folder)

    def _list(self, folder: Folder, path: Path) -> None:
        """Look at everything in a folder of the inbox."""
        listed, looks_left = [], _MOST_NAMES
        level = len(path.relative_to(self.inbox.folder).parts)
        for place in walk(folder, path, self._cannot_list, ignored_names.is_ignored, level):
            try:
                for name in place.names():
                    self._look_at(place.folder, name, place.path / name)
                    looks_left -= 1
                    if looks_left <= 0 and self._is_full():
                        self._report_not_taken(self.inbox.folder, _TOO_MANY, _UNREADABLE)
                        return
                if place.path in self._not_taken:
                    listed.append(place.path)
            except OSError as error:
                self._cannot_list(place.path, error)
        for place_path in listed:
            self.resolved(place_path)

    def _is_full(self) -> bool:
        return len(self._tracker) + len(self._not_taken) >= _MOST_NAMES

    def _cannot_list(self, path: Path, error: OSError | TooDeep) -> None:
        if isinstance(error, TooDeep):
            self._report_not_taken(path, _TOO_DEEP, _UNREADABLE)
        elif isinstance(error, PermissionError) and path != self.inbox.folder:
            sentence = (
                f"vlogd is not allowed to read this folder ({error.strerror}); correct its permissions."
            )
            self._report_not_taken(path, sentence, _UNREADABLE)

    # Single paths

    def _is_ours(self, path: Path) -> bool:
        """Whether a path is in this inbox and may be a dropped file."""
        try:
            inside = path.relative_to(self.inbox.folder)
        except ValueError:
            return False
        return 0 < len(inside.parts) <= MOST_LEVELS + 1 and not any(
            map(ignored_names.is_ignored, inside.parts)
        )

    def _report_not_taken(self, path: Path, sentence: str, state: FileState | str) -> None:
        """Leave a path alone until the next listing or until it changes, and report why, once."""
        self._resting[path] = state
        self._report_once(path, sentence)

    def _report_once(self, path: Path, sentence: str) -> None:
        if self._not_taken.get(path) != sentence:
            self._not_taken[path] = sentence
            self._send(NotTaken(path, self.inbox.name, sentence))

    def _is_ready(self, path: Path, state: FileState) -> bool:
        """Whether the file is as it was when it became stable, and no other program has it open for writing.

        One that cannot be opened is ready as well: the reason is reported when it is to be taken.
        """
        try:
            with inbox_folder.entry(self.inbox.folder, path) as (folder, name):
                if file_state(folder.status(name)) != state:
                    return False
                with folder.open_file(name) as file:
                    if not is_open_for_writing(file):
                        return is_unchanged(file, state)
        except PermissionError:
            return True
        except BlockingIOError:  # its owner has a lease on it (fcntl(2), F_SETLEASE)
            pass
        except OSError:
            return False
        self._report_once(
            path, "Another program still has it open for writing; it is taken as soon as it is closed."
        )
        return False
