"""One process, one daemon after the other: a reload ends one and begins the next."""

import contextlib
import ctypes
import os
import sys

from vlogd.config import Config
from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger
from vlogd.daemon.daemon import Daemon
from vlogd.daemon.signals import Signals

_log = get_logger()


def run(config: Config, *, once: bool) -> int:
    """Run the daemon in the foreground, one after the other where it is reloaded; the last one's exit code."""
    _keep_memory_low()
    signals = Signals()
    daemon = Daemon(config, signals, once=once)
    while True:
        code = daemon.run()
        if daemon.reloaded is None:
            break
        daemon = _successor(daemon.reloaded, daemon.config, signals, once=once)
    if not daemon.has_closed:
        # Python would wait for its threads, and they may wait for a disk for ever. All is crash-safe.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _successor(new: Config, old: Config, signals: Signals, *, once: bool) -> Daemon:
    """The daemon on the new configuration, or on the old one when that one cannot start."""
    try:
        return Daemon(new, signals, once=once)
    except Unavailable as error:
        _log.error("config.refused", problem=str(error), kept="the configuration from before")
    return Daemon(old, signals, once=once)


def _keep_memory_low() -> None:
    """Let glibc share two arenas among all threads: one for each thread would double what we hold.

    mallopt(3), M_ARENA_MAX; other C libraries ignore or lack it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-8, 2)
