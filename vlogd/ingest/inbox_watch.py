"""One inbox as the ingest thread keeps it: its watcher, its listing, what is not stable yet, what was not taken and why.

Hints of the watcher are for speed; the listing at the start and every `rescan_seconds` is the truth. Both end in
`look`, which feeds the same rule of stability.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.ingest import ignored_names, quarantine
from vlogd.ingest.completeness import is_open_for_writing, proves_whole
from vlogd.ingest.file_state import FileState, file_state, is_unchanged
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.outcomes import NotTaken, Resolved
from vlogd.ingest.problems import Problems
from vlogd.ingest.stability import StabilityTracker
from vlogd.storage import mounts
from vlogd.watchers import registry
from vlogd.watchers.contract import Watcher

_RETRY_SECONDS = 30.0
"""How soon an inbox is listed again after a file could not be taken because a disk was missing or full."""

_UNREADABLE = "unreadable"
"""Stands for the state of a folder that cannot be listed."""


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
        self._next_scan_seconds = 0.0
        self._resting: dict[Path, FileState | str] = {}
        self._not_taken: dict[Path, str] = {}
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
        """List the whole folder, look again at what was not taken, and make sure that it is being watched."""
        self._next_scan_seconds = self._clock() + self.inbox.rescan_seconds
        self._resting.clear()
        self._watch()
        with suppress(OSError):
            quarantine.take_back(self.inbox.folder)
        self._list(self.inbox.folder)
        for path in [*self._tracker.paths, *self._not_taken]:
            self.look(path)

    def look(self, path: Path) -> None:
        """Look at one path that a hint or the listing named."""
        if not self._is_ours(path):
            return
        try:
            if path.is_dir() and not path.is_symlink():
                if os.access(path, os.R_OK | os.X_OK):
                    self.resolved(path)
                self._list(path)
                return
            state = file_state(path)
        except PermissionError as error:
            sentence = (
                f"vlogd is not allowed to read it ({error.strerror}); correct its folder's permissions."
            )
            self._report_not_taken(path, sentence, sentence)
        except OSError:
            self._tracker.forget(path)
            self.resolved(path)
        else:
            self._observe(path, state)

    def ready(self) -> Generator[tuple[Path, FileState], None, None]:
        """The files that can be taken now, each in the state in which it is to be taken.

        A file counts as unstable until the caller asks for the next one: until it is taken there is something to do.
        """
        for path in self._tracker.stable(self._clock()):
            state = self._tracker.state(path)
            try:
                if is_unchanged(path, state) and not self._is_open_elsewhere(path):
                    yield path, state
            finally:
                self._tracker.forget(path)
            self.look(path)

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
        identity = _identity(self.inbox.folder)
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

    def _list(self, folder: Path) -> None:
        for parent, folders, file_names in os.walk(folder, onerror=partial(self._cannot_list)):
            folders[:] = [name for name in folders if not ignored_names.is_ignored(name)]
            for name in file_names:
                self.look(Path(parent) / name)
            for name in folders:
                if os.path.islink(os.path.join(parent, name)):  # noqa: PTH114, PTH118 - returns False on errors
                    self.look(Path(parent) / name)

    def _cannot_list(self, error: OSError) -> None:
        folder = Path(error.filename)
        if isinstance(error, FileNotFoundError) or folder == self.inbox.folder:
            return
        sentence = f"vlogd is not allowed to read this folder ({error.strerror}); correct its permissions."
        self._report_not_taken(folder, sentence, _UNREADABLE)

    # Single paths

    def _is_ours(self, path: Path) -> bool:
        """Whether a path is in this inbox and may be a dropped file."""
        try:
            inside = path.relative_to(self.inbox.folder)
        except ValueError:
            return False
        return bool(inside.parts) and not any(map(ignored_names.is_ignored, inside.parts))

    def _observe(self, path: Path, state: FileState | str) -> None:
        if isinstance(state, str):
            self._report_not_taken(path, state, state)
        elif self._resting.get(path) != state:
            is_new = self._tracker.observe(path, state, self._clock())
            if is_new and proves_whole(path):
                self._tracker.prove(path)

    def _report_not_taken(self, path: Path, sentence: str, state: FileState | str) -> None:
        """Leave a path alone until the next listing or until it changes, and report why, once."""
        self._resting[path] = state
        self._report_once(path, sentence)

    def _report_once(self, path: Path, sentence: str) -> None:
        if self._not_taken.get(path) != sentence:
            self._not_taken[path] = sentence
            self._send(NotTaken(path, self.inbox.name, sentence))

    def _is_open_elsewhere(self, path: Path) -> bool:
        """Whether another program has the file open for writing, however long ago it last changed."""
        is_open = is_open_for_writing(path)
        if is_open:
            self._report_once(
                path, "Another program still has it open for writing; it is taken as soon as it is closed."
            )
        return is_open


def _identity(folder: Path) -> tuple[int, int] | None:
    """Device and inode, so that a recreated or remounted folder is recognised as another one; None when it is missing."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if os.path.isdir(folder) else None  # noqa: PTH112 - returns False on errors
