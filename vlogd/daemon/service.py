"""One process, one daemon after another: a reload ends one and starts the next."""

import contextlib
import ctypes
import os
import sys

from vlogd.config import Config
from vlogd.core.errors import Unavailable
from vlogd.core.events import ConfigRefused
from vlogd.daemon.daemon import Daemon
from vlogd.daemon.signals import Signals
from vlogd.daemon.wiring import Parts, connect


def run(config: Config, *, once: bool) -> int:
    """Run daemons in the foreground until one is not followed by another; its exit code.

    Raises Unavailable when the first one cannot start.
    """
    _keep_memory_low()
    signals = Signals()
    daemon = Daemon(connect(config), signals, once=once)
    while True:
        code = daemon.run()
        if daemon.new_config is None or signals.stopping:
            break
        daemon = Daemon(_reconnect(daemon.new_config, daemon.config), signals, once=once)
    if not daemon.has_closed:
        # Python would wait for its threads, which may wait for a disk for ever. Everything is crash-safe.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _reconnect(new: Config, old: Config) -> Parts:
    """The parts of a daemon on the new configuration, or on the old one where the new one cannot start."""
    try:
        return connect(new)
    except Unavailable as error:
        parts = connect(old)
        parts.events.emit(ConfigRefused(str(error)))
        return parts


def _keep_memory_low() -> None:
    """Let glibc share two arenas among all threads: one for each thread would double the memory held.

    mallopt(3): -8 is M_ARENA_MAX. Other C libraries ignore or lack it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-8, 2)
