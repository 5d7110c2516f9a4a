"""The library's queue: what runs first, and what becomes of jobs whose disk is away."""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from vlogd.core.errors import BadInput, Unavailable
from vlogd.core.events import Event, LibraryUnavailable
from vlogd.engine.jobs import ARCHIVE, LIBRARY
from vlogd.engine.library_queue import LibraryQueue


class RecordingExecutor:
    """Keeps jobs with their resource until the test runs them."""

    def __init__(self) -> None:
        self.jobs: deque[tuple[str, Callable[[], None]]] = deque()

    def submit(self, resource: str, job: Callable[[], None]) -> None:
        """Keep a job."""
        self.jobs.append((resource, job))

    def close(self) -> None:
        """Forget what waits."""
        self.jobs.clear()

    def run_all(self) -> list[str]:
        """Run what was submitted; the resources in order."""
        resources = []
        while self.jobs:
            resource, job = self.jobs.popleft()
            resources.append(resource)
            job()
        return resources


class Fixture:
    """A queue whose outcomes are handled at once; `now` is its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stop = threading.Event()
        self.executor = RecordingExecutor()
        self.events: list[Event] = []
        self.queue = LibraryQueue(
            self.executor,
            lambda call: call(),
            self.stop,
            lambda: self.now,
            self.events.append,
            wait_seconds=30.0,
        )
        self.results: list[Any] = []
        self.errors: list[Exception] = []

    def submit(self, job: Callable[[], Any], *, waits_for_disk: bool = True, **options: Any) -> None:
        """Submit a job whose outcome is recorded."""
        append, failed = self.results.append, self.errors.append
        self.queue.submit(job, append, failed, waits_for_disk=waits_for_disk, **options)


def raising(error: Exception, times: int) -> Callable[[], str]:
    """A job that fails so many times, then returns "done"."""
    attempts = iter(range(times))

    def job() -> str:
        if next(attempts, None) is not None:
            raise error
        return "done"

    return job


def test_an_urgent_job_runs_before_those_that_came_earlier() -> None:
    """A new drop waits for the job that runs, not for those that wait."""
    fixture = Fixture()
    for name in ("first", "second"):
        fixture.submit(partial(str, name))
    fixture.submit(partial(str, "drop"), urgent=True)
    fixture.executor.run_all()
    assert fixture.results == ["drop", "first", "second"]
    assert fixture.queue.is_idle


@pytest.mark.parametrize("resource", [LIBRARY, ARCHIVE])
def test_a_job_whose_disk_was_away_goes_to_its_own_resource_again(resource: str) -> None:
    """A copy to the archive that takes minutes must not end up on the library's thread."""
    fixture = Fixture()
    fixture.submit(raising(Unavailable("The disk is away."), 2), resource=resource)
    assert fixture.executor.run_all() == [resource]
    assert fixture.queue.waits() == ["The disk is away."]
    assert fixture.events == [LibraryUnavailable("The disk is away.")]
    assert fixture.queue.is_idle
    fixture.queue.resubmit()
    assert not fixture.executor.jobs, "its time has not come"
    for _ in range(2):
        (fixture.now,) = fixture.queue.due()
        fixture.queue.resubmit()
        assert fixture.executor.run_all() == [resource]
    assert fixture.results == ["done"]
    assert fixture.queue.waits() == fixture.errors == []


def test_an_urgent_job_stays_urgent_when_its_disk_was_away() -> None:
    """The new drop is still what somebody waits for."""
    fixture = Fixture()
    fixture.submit(raising(Unavailable("The disk is away."), 1), urgent=True)
    fixture.executor.run_all()
    fixture.submit(partial(str, "hourly"))
    (fixture.now,) = fixture.queue.due()
    fixture.queue.resubmit()
    fixture.executor.run_all()
    assert fixture.results == ["done", "hourly"]


def test_errors_go_to_the_one_who_submitted() -> None:
    """An absent disk too, for a job that does not wait for it; nothing while vlogd stops."""
    fixture = Fixture()
    fixture.submit(raising(BadInput("No such item."), 1))
    fixture.submit(raising(Unavailable("The disk is away."), 1), waits_for_disk=False)
    fixture.executor.run_all()
    assert [str(error) for error in fixture.errors] == ["No such item.", "The disk is away."]
    fixture.stop.set()
    fixture.submit(raising(BadInput("Stopped in the middle."), 1))
    fixture.executor.run_all()
    assert len(fixture.errors) == 2
    assert fixture.queue.is_idle
