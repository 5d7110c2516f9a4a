"""Jobs on this machine's disks: reading, committing, publishing, archiving. Local by nature, unlike parts.

A job is a function that reports its own outcome. Each resource has one thread, so that jobs on the library run one at a
time, in the order in which they were submitted, and a copy to the archive holds up none of them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

LIBRARY = "library"
"""The resource of jobs on the library's disk."""

ARCHIVE = "archive"
"""The resource of what reads whole originals: copies to the archive, their SHA-256. It may take many minutes."""


class JobRunner(Protocol):
    """Runs jobs. A job never raises."""

    def submit(self, resource: str, job: Callable[[], None]) -> None:
        """Run `job` on the thread of `resource`."""

    def close(self) -> None:
        """Wait for what runs; start nothing more."""


class JobThreads:
    """One thread for each resource, as long as the daemon lives."""

    def __init__(self) -> None:
        self._threads = {
            name: ThreadPoolExecutor(1, thread_name_prefix=f"vlogd-{name}") for name in (LIBRARY, ARCHIVE)
        }

    def submit(self, resource: str, job: Callable[[], None]) -> None:
        """Run `job` on the thread of `resource`."""
        self._threads[resource].submit(job)

    def close(self) -> None:
        """Drop what waits and join what runs."""
        for thread in self._threads.values():
            thread.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads.values():
            thread.shutdown(wait=True)
