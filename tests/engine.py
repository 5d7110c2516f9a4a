"""The real controller, library worker, journal and runner, driven step by step in one thread.

`InlineExecutor` is the only fake: it runs a job when the test says so, and can crash the machine
before, inside or after any of them.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.clock import Reading
from vlogd.core.events import Event
from vlogd.core.model import File, Item
from vlogd.engine.controller import Controller
from vlogd.engine.executors.contract import Executor, PartRequest, Send
from vlogd.engine.executors.worker import Environment, PartWorker
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.policy import Policy
from vlogd.engine.retry import Retry
from vlogd.engine.services import Services
from vlogd.media.process import Limits
from vlogd.site.publisher import Publisher
from vlogd.stages.contract import Stage
from vlogd.storage import library
from vlogd.storage.journal import Journal
from vlogd.storage.journal.database import sqlite_url
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.retention import Retention
from vlogd.storage.volumes import Volumes
from vlogd.storage.waiting_times import WaitingTimes


class Crash(BaseException):
    """The machine dies here. Not an Exception, so that no handler of ours can soften it."""


class InlineExecutor:
    """Keeps parts and jobs on the library until they are pumped, oldest first."""

    def __init__(self) -> None:
        self.jobs: deque[Callable[[], None]] = deque()
        self.worker: PartWorker
        self._cancelled: dict[str, threading.Event] = {}

    def submit(self, _resource: str, job: Callable[[], None]) -> None:
        """Keep a job on the library."""
        self.jobs.append(job)

    def start(self, request: PartRequest, send: Send) -> None:
        """Keep a part."""
        cancelled = self._cancelled[request.id] = threading.Event()
        self.jobs.append(lambda: send(self.worker.perform(request, send, cancelled)))

    def cancel(self, request_id: str) -> None:
        """Have a part stop when it is run."""
        self._cancelled[request_id].set()

    def close(self) -> None:
        """Forget what waits, as a crash does."""
        self.jobs.clear()


class Engine:
    """One daemon's life in `home`; make another one after a crash."""

    def __init__(
        self,
        home: Path,
        stages: Sequence[Stage[Any]],
        settings: Mapping[str, Any],
        job_seconds: float = 0.0,
        other_executor: Callable[[InlineExecutor], Executor] | None = None,
        *,
        looks: bool = True,
        retention: Retention | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        self.originals, self.root, state = home / "originals", home / "library", home / "state"
        for folder in (self.originals, self.root, state):
            folder.mkdir(parents=True, exist_ok=True)
        self.now = 1e9
        self.jump = 0.0  # of the wall clock
        self.job_seconds = job_seconds
        self._calls: deque[Callable[[], None]] = deque()
        self.executor = InlineExecutor()
        self.journal = Journal(sqlite_url(state / "journal.db"))
        shelf = Library(self.root)
        environment = Environment(
            shelf,
            Originals(self.originals),
            state / "scratch",
            Limits(),
            threading.Event(),
            Volumes(state, {}, 0),
        )
        kept = retention or Retention()
        policy = Policy(stages, lambda _inbox: settings, {"cpu": 2}, Retry(), kept, -1e12, memory_bytes)
        self.library_worker = LibraryWorker(environment, Publisher(shelf), stages, kept)
        self.waiting = WaitingTimes(
            state, lambda: Reading(self.now + self.jump, self.now, is_synchronised=True)
        )
        self.executor.worker = PartWorker(environment, stages)
        executor = other_executor(self.executor) if other_executor else self.executor
        self.events: list[Event] = []
        services = Services(
            self.journal,
            self.library_worker,
            executor,
            self.executor,
            self._calls.append,
            self.events.append,
            self.waiting,
            lambda: self.now,
        )
        self.controller = Controller(policy, environment, services)
        for item in Originals(self.originals).scan().items:
            self.journal.items.add(item)
        if looks:
            self.controller.request_survey(self.journal.items.ids())

    def drop(self, item_id: str, text: str) -> None:
        """An item as intake leaves it."""
        folder = self.originals / item_id
        folder.mkdir()
        (folder / "film.txt").write_text(text)
        item = Item(
            item_id, text, f"film-{item_id}", "main", File(f"{item_id}/film.txt"), text, len(text), self.now
        )
        Originals(self.originals).write_item(folder, item)
        self.controller.accept(item)

    def run(self, most_jobs: int | None = None) -> int:
        """Work until nothing is left, or for some jobs; how many were run."""
        done = 0
        while most_jobs is None or done < most_jobs:
            while self._calls:
                self._calls.popleft()()
            self.controller.act()
            if self.executor.jobs:
                self.executor.jobs.popleft()()
                self.now += self.job_seconds
                done += 1
            elif not self._calls:
                if self.controller.finished():
                    break
                self.now += 10
        return done

    def close(self) -> None:
        """Let go of the journal, as the end of the process does."""
        self.journal.close()


def published(root: Path) -> dict[str, bytes]:
    """All files of a library but those that hold times of day, by name."""
    found = {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in ("catalog.json", "video.json")
    }
    assert not [name for name in found if files.TEMPORARY_PREFIX in name]
    return found


ARTIFACT = library.ARTIFACT
