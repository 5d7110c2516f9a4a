"""The thread that owns all inboxes: it listens to hints, lists folders, and has ready files taken.

It sleeps until a hint comes or something is due. Whatever goes wrong with one file or folder is reported, and the
others are taken all the same.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from vlogd.core.errors import Stopping, Unavailable
from vlogd.ingest import waiting_claims
from vlogd.ingest.file_state import FileState
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.inbox_watch import InboxWatch
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import Changed, Notice, NotTaken, UnexpectedError
from vlogd.ingest.problems import Problems
from vlogd.ingest.waiting_claims import WaitingClaims

_PAUSE_SECONDS = 1.0
"""After an unexpected error: short enough for a person who drops files, long enough not to flood the log."""

_SHORTEST_SLEEP_SECONDS = 0.05
"""Hints of one copy come in bursts; this gathers them."""

_MOST_HINTS = 100_000
"""How many are kept while a large file is copied, some hundred bytes each: whoever may write to an inbox makes them."""


class Ingestor:
    """Runs in a thread of its own; `send` is called from it and must be thread-safe."""

    def __init__(
        self,
        inboxes: Sequence[Inbox],
        intake: Intake,
        send: Callable[[Notice], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hints: queue.Queue[tuple[InboxWatch, Path] | None] = queue.Queue(_MOST_HINTS)
        self._send = send
        self._problems = Problems(send)
        self._watches = [
            InboxWatch(inbox, send, self._problems, partial(self._hint, number), clock)
            for number, inbox in enumerate(inboxes)
        ]
        self._intake = intake
        self._claims = WaitingClaims(
            intake, {inbox.name: inbox for inbox in inboxes}, send, self._problems, clock
        )
        self._clock = clock
        self._thread = threading.Thread(target=self._run, name="vlogd-ingest", daemon=True)
        self._stopping = threading.Event()
        self._has_scanned = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and join the thread; a claim in progress is continued at the next start."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # then there is no need to wake it
            self._hints.put_nowait(None)
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def unstable_count(self) -> int:
        """How many files are being waited for."""
        return sum(watch.unstable_count for watch in self._watches)

    def is_idle(self) -> bool:
        """Whether every inbox was listed and nothing in them is about to be taken."""
        is_taken = not self._claims.are_being_resumed and not self.unstable_count
        return self._has_scanned.is_set() and self._hints.empty() and is_taken

    def _hint(self, number: int, path: Path) -> None:
        """Called from the watchers' threads. What is too much is dropped: the next listing finds it."""
        with contextlib.suppress(queue.Full):
            self._hints.put_nowait((self._watches[number], path))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._resume_claims()
                failing = [watch for watch in self._watches if not self._attend_to(watch)]
                self._has_scanned.set()
                self._problems.clear("inboxes")
                if failing:
                    self._stopping.wait(_PAUSE_SECONDS)
                self._follow_hints()
            except Stopping:
                break
            except Exception as error:  # noqa: BLE001 - a bug with one file must not end all arrivals
                self._unexpected("inboxes", error)
                self._has_scanned.set()
                self._stopping.wait(_PAUSE_SECONDS)
        for watch in self._watches:
            watch.close()

    def _attend_to(self, watch: InboxWatch) -> bool:
        """List one inbox when that is due, and take what is ready in it. Whether no unexpected error came in between.

        Whatever is wrong in one inbox, the others are attended to.
        """
        place = f"{watch.inbox.name}: taking files"
        try:
            if watch.scan_is_due():
                watch.scan()
            self._take_what_is_ready(watch)
        except Stopping:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._unexpected(place, error)
            return False
        self._problems.clear(place)
        return True

    def _unexpected(self, place: str, error: Exception) -> None:
        self._send(UnexpectedError(error))
        self._problems.set(place, f"vlogd hit an unexpected error ({error!r}); please report it.")

    def _resume_claims(self) -> None:
        """Continue with files that were claimed and not accepted: when an inbox is listed, and in turns with all of them."""
        if any(watch.scan_is_due() for watch in self._watches):
            self._claims.begin()
        self._claims.resume()

    def _take_what_is_ready(self, watch: InboxWatch) -> None:
        with contextlib.closing(watch.ready()) as ready:
            for path, state in ready:
                if self._stopping.is_set():
                    return
                self._take(watch, path, state)

    def _follow_hints(self) -> None:
        """Sleep until a hint or the next due time; then look at what the hints name."""
        due = min((watch.next_due_seconds() for watch in self._watches), default=None)
        if self._claims.are_being_resumed:
            due = self._clock()
        wait = None if due is None else max(_SHORTEST_SLEEP_SECONDS, due - self._clock())
        hinted: dict[Path, InboxWatch] = {}
        with contextlib.suppress(queue.Empty):
            hint = self._hints.get(timeout=wait)
            while hint is not None:
                hinted[hint[1]] = hint[0]
                hint = self._hints.get_nowait()
        for path, watch in hinted.items():
            if any(hinted.get(above) is watch for above in path.parents):
                continue  # it is listed with that folder: once, however many folders around it were touched
            try:
                watch.look(path)
            except Exception as error:  # noqa: BLE001 - as above
                self._unexpected(f"{watch.inbox.name}: taking files", error)

    def _take(self, watch: InboxWatch, path: Path, state: FileState) -> None:
        if self._claims.are_too_many(watch.inbox.name):
            watch.postpone(path, state, waiting_claims.TOO_MANY)
            return
        try:
            outcome = self._intake.take(path, watch.inbox, state)
        except Unavailable as error:
            watch.postpone(path, state, str(error))
            return
        watch.taking_works()
        if isinstance(outcome, NotTaken) and outcome.path == path:
            watch.not_taken(outcome, state)
        elif not isinstance(outcome, Changed):
            if isinstance(outcome, NotTaken):  # claimed, and waiting
                self._claims.add(outcome)
            watch.resolved(path)
            self._send(outcome)
