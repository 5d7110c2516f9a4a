"""Which process on which machine this is, and whether another one still runs, as far as this machine can tell."""

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_START_TIME = 19
"""The index of the start time among the fields of /proc/<pid>/stat behind the name: proc(5) counts it as the 22nd."""

_PURPOSE = b"vlogd lease"
"""The id of a machine must not be shown as it is, but as a digest of it for one purpose (machine-id(5))."""


@dataclass(frozen=True)
class RunningProcess:
    """A process, as it describes itself to others. What cannot be determined is "" or 0.

    `machine` outlives a restart of the machine, `boot` does not. `pid` means something in its `pid_namespace` only, and may
    be given to another process later, whose `start_ticks` differ.
    """

    host: str
    machine: str
    boot: str
    pid_namespace: str
    pid: int
    start_ticks: int

    @classmethod
    def current(cls) -> "RunningProcess":
        """This process."""
        return cls(
            socket.gethostname(),
            _machine(),
            _text(Path("/proc/sys/kernel/random/boot_id")),
            _pid_namespace(),
            os.getpid(),
            _start_ticks(os.getpid()),
        )

    def is_seen_from(self, other: "RunningProcess") -> bool:
        """Whether `other` can tell if this process still runs: both are known to one kernel by their numbers."""
        here = (self.boot, self.pid_namespace)
        return all(here) and here == (other.boot, other.pid_namespace)

    def is_running(self) -> bool:
        """Whether this process, which is seen from here, still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _start_ticks(self.pid) in (0, self.start_ticks)


def _start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since the boot; 0 if that is hidden."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[_START_TIME]) if len(fields) > _START_TIME else 0


def _machine() -> str:
    machine_id = _text(Path("/etc/machine-id"))
    return hashlib.sha256(_PURPOSE + machine_id.encode()).hexdigest()[:32] if machine_id else ""


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
