"""The machine's clocks, and whether somebody keeps the wall clock right.

Only a look at both says how much time has passed: the wall clock can be set, and the other one stops with the machine.
"""

import ctypes
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd creates it once it has set the clock (systemd-timesyncd.service(8))."""

_STATUS = Path("/proc/self/status")
_TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""

_TIMEX_BYTES = 512
"""More than a `struct timex` has on any architecture; zeroes mean that nothing is changed."""

_ANSWER_SECONDS = 2.0


@dataclass(frozen=True)
class Reading:
    """Both clocks at one moment, in seconds.

    `wall` is since the epoch, `running` since the machine was started, also while it slept. `is_synchronised`: whether the
    wall clock is known to be kept right.
    """

    wall: float
    running: float
    is_synchronised: bool


def read() -> Reading:
    """The clocks now. May take seconds where a service has to be asked."""
    return Reading(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), is_synchronised() is True)


def is_synchronised() -> bool | None:
    """Whether the wall clock is synchronised; None when nobody can tell."""
    if _TIMESYNCD.exists():
        return True
    if _has_no_filter():
        return _adjtimex()
    return _timedated()


def _has_no_filter() -> bool:
    """Whether every system call may be made: a filter (seccomp(2)) can end a process for adjtimex, which also sets the clock."""
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    return "Seccomp:\t0" in lines


def _adjtimex() -> bool | None:
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR


def _timedated() -> bool | None:
    """What systemd's time service says, which may ask the kernel."""
    command = shutil.which("timedatectl")
    if command is None:
        return None
    try:
        answer = subprocess.run(
            [command, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS, stdin=subprocess.DEVNULL,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(answer)
