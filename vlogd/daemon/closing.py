"""The end of one daemon: it waits for its threads, but not for ever, since a disk may never answer them."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from vlogd.core.errors import Unavailable
from vlogd.core.events import DaemonStopped, WorkAbandoned
from vlogd.daemon.wiring import Parts

_LONGEST_SECONDS = 6.5
"""How long a stop takes at most: 2.5 s for children to end (`media.process`), 4 s more for disks to answer."""

_LOOK_SECONDS = 0.2
"""How often to check for a second signal to end now."""


def close(parts: Parts, must_wait: Callable[[], bool], beat: Callable[[], None]) -> bool:
    """Stop everything; what was in flight leaves no mark and is done at the next start. Whether all threads ended.

    `must_wait`: whether another daemon follows in this process, which must not work beside threads of this one;
    `beat` keeps the service manager's watchdog satisfied meanwhile.
    """
    parts.stop.set()
    closing = threading.Thread(target=_join, args=(parts,), name="vlogd-closing", daemon=True)
    closing.start()
    end = time.monotonic() + _LONGEST_SECONDS
    while closing.is_alive() and (must_wait() or time.monotonic() < end):
        closing.join(_LOOK_SECONDS)
        if must_wait():
            beat()
    has_ended = not closing.is_alive()
    if not has_ended:
        parts.events.emit(WorkAbandoned("A disk does not answer; unfinished work there will be done again."))
    parts.state.close()
    parts.events.emit(DaemonStopped())
    return has_ended


def _join(parts: Parts) -> None:
    """Wait for all threads; those that wait for a disk that stalls may never end. Then others may use the folders."""
    parts.ingestor.stop()
    parts.executor.close()
    parts.jobs.close()
    try:
        with suppress(OSError, Unavailable):
            parts.volumes.check()
            parts.publisher.catalog.finish()
    finally:
        parts.volumes.close()
