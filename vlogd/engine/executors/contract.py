"""The contract of an executor: a place where jobs run."""

from collections.abc import Callable
from typing import Protocol

LIBRARY = "library"
"""The resource of jobs on the library's disk: one at a time, in the order they were given."""

ARCHIVE = "archive"
"""The resource of copies of originals to the archive, which may take many minutes."""


class Executor(Protocol):
    """Runs jobs. A job tells its own outcome; it never raises."""

    def submit(self, resource: str, job: Callable[[], None]) -> None:
        """Run `job` on a slot of `resource`."""

    def close(self) -> None:
        """Wait for what is running (told to stop by its own flag); start nothing more."""
