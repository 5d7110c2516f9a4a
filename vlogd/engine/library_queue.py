"""Jobs on the library's disk, run by the library's thread; part of the controller's thread.

Jobs of a new drop go before the others, of which the hourly look at the library brings many. The disk may be an
unreachable NAS: then a job that waits for the disk is resubmitted after a pause, and nothing else is delayed.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.core.errors import Malformed, NewerFormat, Stopping, Unavailable
from vlogd.core.events import Bug, Emit, LibraryUnavailable
from vlogd.core.model import Item
from vlogd.engine.executors.worker import as_trouble
from vlogd.engine.jobs import LIBRARY, JobRunner


def not_done(error: Exception, where: str, item: Item | None = None) -> LibraryUnavailable | Bug:
    """What to tell of a job that failed: the sentence of an expected error, the traceback of any other."""
    return LibraryUnavailable(str(error), item) if isinstance(error, Unavailable) else Bug(error, where, item)


@dataclass(frozen=True)
class _Submission:
    """A job as it was submitted, to be submitted again."""

    resource: str
    job: Callable[[], None]
    urgent: bool


@dataclass(frozen=True)
class _Delayed:
    """A job that waits until `due` (monotonic seconds); `reason` is a sentence, or "" if it does not wait for its disk."""

    due: float
    reason: str
    submission: _Submission


class LibraryQueue:
    """Used by the controller's thread only; outcomes reach it through `post`."""

    def __init__(
        self,
        jobs: JobRunner,
        post: Callable[[Callable[[], None]], None],
        stop: Stop,
        clock: Callable[[], float],
        emit: Emit,
        wait_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._post = post
        self._stop = stop
        self._clock = clock
        self._emit = emit
        self._wait_seconds = wait_seconds
        self._delayed: list[_Delayed] = []
        self._urgent: deque[Callable[[], None]] = deque()
        self._usual: deque[Callable[[], None]] = deque()
        self._open = 0

    @property
    def is_idle(self) -> bool:
        """Whether no outcome is outstanding, except of jobs whose disk is absent."""
        return not self._open

    def submit(
        self,
        job: Callable[[], Any],
        succeeded: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        waits_for_disk: bool,
        urgent: bool = False,
        resource: str = LIBRARY,
        after_seconds: float = 0.0,
    ) -> None:
        """Have `job` run by a thread of `resource` after a pause, an `urgent` one before those that are not.

        `succeeded` gets what it returns. While its disk is absent (Unavailable), a job that `waits_for_disk` is
        submitted again later; any other error goes to `failed`, also that a document cannot be understood, and an error
        while stopping is dropped. A later job for an item must not be more urgent than an earlier one for the same item,
        or it may run before it.
        """

        def run() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - every error is reported to the controller
                trouble = as_trouble(error, self._stop)
                self._post(partial(self._failed, submission, failed, trouble, waits_for_disk=waits_for_disk))
            else:
                self._post(partial(self._succeeded, succeeded, result))

        submission = _Submission(resource, run, urgent)
        if after_seconds:
            self._delayed.append(_Delayed(self._clock() + after_seconds, "", submission))
        else:
            self._submit(submission)

    def resubmit(self) -> None:
        """Submit again what has waited long enough for its disk."""
        now = self._clock()
        due = [delayed.submission for delayed in self._delayed if delayed.due <= now]
        self._delayed = [delayed for delayed in self._delayed if delayed.due > now]
        for submission in due:
            self._submit(submission)

    def due(self) -> list[float]:
        """When (monotonic seconds) delayed jobs are submitted again."""
        return [delayed.due for delayed in self._delayed]

    def waits(self) -> list[str]:
        """Why delayed jobs wait, in sentences."""
        return [delayed.reason for delayed in self._delayed if delayed.reason]

    def _submit(self, submission: _Submission) -> None:
        self._open += 1
        job = submission.job
        if submission.resource == LIBRARY:
            (self._urgent if submission.urgent else self._usual).append(job)
            job = self._run_next
        self._jobs.submit(submission.resource, job)

    def _run_next(self) -> None:
        """Run the most urgent job. Only the library's thread takes from the two queues, once for each job."""
        (self._urgent or self._usual).popleft()()

    def _succeeded(self, succeeded: Callable[[Any], None], result: Any) -> None:
        self._open -= 1
        succeeded(result)

    def _failed(
        self,
        submission: _Submission,
        failed: Callable[[Exception], None],
        error: Exception,
        *,
        waits_for_disk: bool,
    ) -> None:
        self._open -= 1
        if isinstance(error, Stopping):
            return
        if (
            waits_for_disk
            and isinstance(error, Unavailable)
            and not isinstance(error, (Malformed, NewerFormat))
        ):
            self._emit(LibraryUnavailable(str(error)))
            self._delayed.append(_Delayed(self._clock() + self._wait_seconds, str(error), submission))
        else:
            failed(error)
