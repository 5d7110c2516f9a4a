"""Which walls this machine has, and the command that starts a tool behind them.

A kernel without Landlock, or a container that forbids it, still gets the rest: what stands is found once, by trying, and
told by `vlogd doctor` and in the log.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.media.sandbox import landlock, launcher, syscall_filter
from vlogd.media.sandbox.access import Access

_NO_RULESET, _NO_FILTER = -1, "-"
_TRIAL_SECONDS = 20
"""A machine that is so slow cannot encode either."""


@dataclass(frozen=True)
class Bounds:
    """What a tool may use of the machine: `niceness` of nice(1), bytes of address space and seconds of processor time (0: any)."""

    niceness: int = 10
    memory_bytes: int = 0
    cpu_seconds: int = 0


@dataclass(frozen=True)
class Walls:
    """What keeps tools in: the version of Landlock (0: none) and whether system calls are filtered."""

    landlock_abi: int
    filters: bool

    @property
    def standing(self) -> str:
        """A sentence about what stands; "" when nothing does."""
        files = f"files that are not theirs (Landlock {self.landlock_abi})" if self.landlock_abi else ""
        calls = "the network, new processes and needless system calls (seccomp)" if self.filters else ""
        held = ", and from ".join(filter(None, (files, calls)))
        return f"ffmpeg and the transcriber are kept from {held}." if held else ""

    @property
    def missing(self) -> Sequence[str]:
        """A sentence about each wall that is not there."""
        sentences = []
        if not self.landlock_abi:
            sentences.append(
                "Landlock is not available: ffmpeg and the transcriber can read and write what vlogd can."
            )
        if not self.filters:
            sentences.append(
                "Filters of system calls are not available: ffmpeg and the transcriber can use the network."
            )
        return sentences


@dataclass(frozen=True)
class Launch:
    """How to start a tool: the command, the descriptor that it needs, its environment."""

    command: Sequence[str]
    descriptors: Sequence[int]
    environment: dict[str, str]


@cache
def walls() -> Walls:
    """Those of this machine."""
    version = landlock.abi()
    has_landlock = bool(version) and _holds(Walls(version, filters=False))
    has_filters = syscall_filter.is_supported() and _holds(Walls(0, filters=True))
    return Walls(version if has_landlock else 0, has_filters)


def _holds(tried: Walls) -> bool:
    """Whether a program that does nothing can be started behind them."""
    true = shutil.which("true") or "/bin/true"
    with suppress(OSError, subprocess.SubprocessError, Unavailable):
        with launch(["true"], Path(true), Bounds(niceness=0), Access(), tried) as trial:
            ended = subprocess.run(
                trial.command, pass_fds=trial.descriptors, env=trial.environment, check=False, capture_output=True,
                stdin=subprocess.DEVNULL, timeout=_TRIAL_SECONDS,
            )  # fmt: skip
        return ended.returncode == 0
    return False


@contextmanager
def launch(
    command: Sequence[str], program: Path, bounds: Bounds, access: Access, stands: Walls | None = None
) -> Iterator[Launch]:
    """How to start `command`, whose file is `program`, behind the walls that stand. Only within the block.

    Raises Unavailable when the kernel refuses a ruleset.
    """
    stands = walls() if stands is None else stands
    try:
        ruleset = landlock.ruleset(access, program) if stands.landlock_abi else _NO_RULESET
    except OSError as error:
        raise Unavailable(
            f"{command[0]} was not started: its walls could not be put up ({error.strerror})."
        ) from error
    filter_text = _NO_FILTER
    if stands.filters:
        filter_text = syscall_filter.program(
            network=access.network,
            processes=access.processes,
            signals=stands.landlock_abi >= landlock.SCOPES_ABI,
        ).hex()
    start = [sys.executable, "-I", "-S", launcher.__file__]
    settings = map(str, (os.getpid(), bounds.niceness, bounds.memory_bytes, bounds.cpu_seconds, ruleset))
    try:
        yield Launch(
            [*start, *settings, filter_text, str(program), *command],
            (ruleset,) if ruleset != _NO_RULESET else (),
            access.whole_environment(),
        )
    finally:
        if ruleset != _NO_RULESET:
            os.close(ruleset)
