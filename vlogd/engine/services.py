"""What the deciding parts of the engine get from the surrounding process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from vlogd.core.events import Emit
from vlogd.engine.executors.contract import Executor
from vlogd.engine.jobs import JobRunner
from vlogd.engine.library_worker import LibraryWorker
from vlogd.storage.journal import Journal
from vlogd.storage.waiting_times import WaitingTimes


@dataclass(frozen=True)
class Services:
    """What the controller and its parts work with.

    `waiting` says how long things have waited to be deleted. `post` runs a call on the controller's thread, from any thread;
    `emit` hands an event to the listeners; `clock` returns the seconds by which waits are measured: of a clock that nobody can
    set, since a wall clock that is set back would delay retries and publishing for as long.
    """

    journal: Journal
    worker: LibraryWorker
    executor: Executor
    jobs: JobRunner
    post: Callable[[Callable[[], None]], None]
    emit: Emit
    waiting: WaitingTimes
    clock: Callable[[], float] = time.monotonic
