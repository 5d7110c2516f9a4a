"""Runs jobs on the threads of this machine.

Worker threads live as long as the daemon does, because the children they start are tied to the
thread that started them (see `process.py`).
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from vlogd.engine.executors.contract import ARCHIVE, LIBRARY


class LocalExecutor:
    """One pool of threads per resource. `slots` maps a resource to its number of threads."""

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._pools = {
            name: ThreadPoolExecutor(number, thread_name_prefix=f"vlogd-{name}")
            for name, number in {**slots, LIBRARY: 1, ARCHIVE: 1}.items()
        }

    def submit(self, resource: str, job: Callable[[], None]) -> None:
        """Run `job` on a thread of its pool."""
        self._pools[resource].submit(job)

    def close(self) -> None:
        """Drop what waits and join what runs."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown(wait=True)
