"""The executor on the threads of this machine.

Its threads live as long as the daemon does, because a child is ended by the kernel when the thread that started it ends
(prctl(2), PR_SET_PDEATHSIG; see `media/process.py`).
"""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from vlogd.engine.executors.contract import PartRequest, Send
from vlogd.engine.executors.worker import PartWorker


class LocalExecutor:
    """One pool of threads for each resource. `slots` maps a resource to its number of threads."""

    def __init__(self, slots: Mapping[str, int], worker: PartWorker) -> None:
        self._worker = worker
        self._cancelled: dict[str, threading.Event] = {}
        self._pools = {
            name: ThreadPoolExecutor(number, thread_name_prefix=f"vlogd-{name}")
            for name, number in slots.items()
        }

    def start(self, request: PartRequest, send: Send) -> None:
        """Run a part on a thread of its pool."""
        cancelled = self._cancelled[request.id] = threading.Event()
        self._pools[request.part.resource].submit(self._run, request, send, cancelled)

    def cancel(self, request_id: str) -> None:
        """Stop a part."""
        cancelled = self._cancelled.get(request_id)
        if cancelled is not None:
            cancelled.set()

    def close(self) -> None:
        """Drop the waiting parts and join the running ones, which the daemon's own flag has stopped."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown(wait=True)

    def _run(self, request: PartRequest, send: Send, cancelled: threading.Event) -> None:
        result = self._worker.perform(request, send, cancelled)
        del self._cancelled[request.id]
        send(result)
