"""One process, one daemon after another: a reload ends one and starts the next."""

import contextlib
import ctypes
import os
import sys

from vlogd.config import Config
from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.errors import Unavailable
from vlogd.core.event_hub import Events
from vlogd.core.events import ConfigRefused, DaemonStopped, Heartbeat, VolumeMissing
from vlogd.core.log import get_logger
from vlogd.daemon.call_queue import CallQueue
from vlogd.daemon.daemon import Daemon
from vlogd.daemon.signals import Signals
from vlogd.daemon.wiring import Parts, connect, listeners
from vlogd.media.sandbox import walls
from vlogd.storage.journal.database import Waiting

_log = get_logger()

_PAUSE_SECONDS = 2.0
"""Between two attempts to open the journal."""


def run(config: Config, *, once: bool) -> int:
    """Run daemons in the foreground until one is not followed by another; its exit code.

    Raises Unavailable when the first one cannot start.
    """
    _keep_memory_low()
    _tell_walls()
    signals = Signals()
    parts = connect(config) if once else _connect_when_possible(config, signals)
    code, has_closed = 0, True
    while parts is not None:
        daemon = Daemon(parts, signals, once=once)
        code = daemon.run()
        has_closed = daemon.has_closed
        if daemon.new_config is None or signals.stopping:
            break
        parts = _reconnect(daemon.new_config, daemon.config, signals)
    if not has_closed:
        # Python would wait for its threads, which may wait for a disk for ever. Everything is crash-safe.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _connect_when_possible(config: Config, signals: Signals) -> Parts | None:
    """The parts of a daemon, once its journal can be used; None when stopped before. Raises Unavailable."""
    calls, events, said = CallQueue(), Events(), ""
    signals.listen(lambda _number: calls.put(lambda: None))  # wakes this thread
    while not signals.stopping:
        try:
            return connect(config)
        except Waiting as error:  # it is locked, or its disk is in trouble: a journal to come back to
            trouble = str(error)
        if not said:
            events = Events(*listeners(config))
        if trouble != said:
            events.emit(VolumeMissing(trouble))
        said = trouble
        status = DaemonStatus(os.getpid(), troubles={"journal": trouble}, summary=trouble)
        events.emit(Heartbeat(status))
        calls.make_calls(_PAUSE_SECONDS, events.emit)
    events.emit(DaemonStopped())
    return None


def _reconnect(new: Config, old: Config, signals: Signals) -> Parts | None:
    """The parts of a daemon on the new configuration, or on the old one where the new one cannot start."""
    try:
        return _connect_when_possible(new, signals)
    except Unavailable as error:
        parts = _connect_when_possible(old, signals)
        if parts is not None:
            parts.events.emit(ConfigRefused(str(error)))
        return parts


def _tell_walls() -> None:
    found = walls.walls()
    if found.missing:
        _log.warning("walls.missing", what=" ".join(found.missing), standing=found.standing)
    else:
        _log.info("walls.standing", what=found.standing)


def _keep_memory_low() -> None:
    """Let glibc share two arenas among all threads: one for each thread would double the memory held.

    mallopt(3): -8 is M_ARENA_MAX. Other C libraries ignore or lack it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-8, 2)
