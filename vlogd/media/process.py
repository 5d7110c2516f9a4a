"""The one place that starts other programs.

A child never outlives vlogd, even when vlogd is killed with SIGKILL; it runs niced, in its own
process group, with a bounded address space, without our standard input, and is ended when it
stops making progress. The bounds are set by small programs of util-linux and coreutils that
exec one another (`nice ionice prlimit setpriv ffmpeg …`), because code between fork and exec is
not safe in a process with threads (Python docs, `subprocess`, `preexec_fn`).

The parent-death signal follows the *thread* that started the child (prctl(2),
PR_SET_PDEATHSIG), so only threads that live as long as the child may call `run`.
"""

import io
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import IO

from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable

_TAIL_LINES = 40
_LINE_CHARACTERS = 500
_LOOK_SECONDS = 0.25
_POLITE_SECONDS = 2.0
_READ_BYTES = 1 << 16
_MOST_OUTPUT_BYTES = 16 << 20
"""Of one line, and of all that `output` collects. The largest honest answer takes a few megabytes."""

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
"""How a tool ends that somebody ended. A crash of its own (SIGSEGV, SIGABRT) may be the file's doing."""

Line = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    `memory_bytes` bounds its address space (0: not bounded); `stall_seconds` is how long it may go
    without showing progress on its standard output.
    """

    memory_bytes: int = 8 << 30
    stall_seconds: float = 300.0
    niceness: int = 10


def run(
    command: Sequence[str],
    *,
    limits: Limits,
    stop: Stop | None = None,
    on_line: Line | None = None,
    moved: Callable[[str], bool] = lambda _line: True,
) -> Sequence[str]:
    """Run `command` to its end; each line of its standard output goes to `on_line`.

    `moved(line)` says whether a line is proof of progress. The answer is the last lines of its standard
    error. Raises ToolFailed with them when it fails (or prints an endless line), ToolStalled when it stalls, ToolKilled when somebody
    else ended it, Stopping when `stop` is set meanwhile, Unavailable when the program is not installed.
    """
    child = _start(command, limits)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    reader = threading.Thread(target=_keep_tail, args=(child.stderr, tail), daemon=True)
    reader.start()
    try:
        _follow(child, command[0], limits, stop, on_line, moved, tail)
    except BaseException:
        _end(child)
        raise
    finally:
        reader.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
    if child.returncode in _FROM_OUTSIDE:
        raise ToolKilled(_how_it_ended(command[0], child.returncode, tail))
    if child.returncode != 0:
        raise ToolFailed(_how_it_ended(command[0], child.returncode, tail), tuple(tail))
    return tuple(tail)


def output(command: Sequence[str], *, limits: Limits, stop: Stop | None = None) -> str:
    """Run `command` and give back its standard output. Raises as `run` does, also when there is too much of it."""
    said = io.StringIO()

    def keep(line: str) -> None:
        if said.tell() + len(line) > _MOST_OUTPUT_BYTES:
            raise _too_much(command[0])
        said.write(f"{line}\n")

    run(command, limits=limits, stop=stop, on_line=keep)
    return said.getvalue().removesuffix("\n")


def _too_much(name: str) -> ToolFailed:
    return ToolFailed(
        f"{name} printed more than {_MOST_OUTPUT_BYTES >> 20} MiB about it, which no honest file makes it do."
    )


def _start(command: Sequence[str], limits: Limits) -> "subprocess.Popen[bytes]":
    if shutil.which(command[0]) is None:
        raise Unavailable(f"The program {command[0]} is not installed; `vlogd doctor` tells what to do.")
    return subprocess.Popen(
        [*_bounds(limits), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def _bounds(limits: Limits) -> list[str]:
    words = ["nice", "-n", str(limits.niceness)]
    if _have("ionice"):
        words += ["ionice", "-c", "2", "-n", "7"]
    if limits.memory_bytes and _have("prlimit"):
        words += ["prlimit", f"--as={limits.memory_bytes}"]
    if _have("setpriv"):
        words += ["setpriv", "--pdeathsig", "KILL", "--ambient-caps", "-all", "--inh-caps", "-all"]
    return words


@cache
def _have(program: str) -> bool:
    return shutil.which(program) is not None


def _keep_tail(pipe: IO[bytes] | None, tail: deque[str]) -> None:
    for raw in pipe or ():
        text = raw.decode("utf-8", "replace").strip()
        if text:
            tail.append(text[:_LINE_CHARACTERS])


def _follow(
    child: "subprocess.Popen[bytes]",
    name: str,
    limits: Limits,
    stop: Stop | None,
    on_line: Line | None,
    moved: Callable[[str], bool],
    tail: deque[str],
) -> None:
    """Read the child's standard output until it ends, watching for a stall and for `stop`."""
    assert child.stdout is not None  # noqa: S101 - Popen was given a pipe
    last_move = time.monotonic()
    lines = _Lines(name)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if stop is not None and stop.is_set():
                raise Stopping(f"{name} was stopped because vlogd is stopping.")
            if time.monotonic() - last_move > limits.stall_seconds:
                raise ToolStalled(
                    f"{name} made no progress for {limits.stall_seconds:.0f} s and was ended.", tuple(tail)
                )
            if not selector.select(_LOOK_SECONDS):
                continue
            block = os.read(child.stdout.fileno(), _READ_BYTES)
            for raw in lines.ended_by(block):
                text = raw.decode("utf-8", "replace")
                if moved(text):
                    last_move = time.monotonic()
                if on_line is not None:
                    on_line(text)
            if not block:
                break
    _wait(child, stop, limits)


class _Lines:
    """Puts blocks together to lines. Each byte is joined once, however long the line is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun: list[bytes] = []
        self._length = 0

    def ended_by(self, block: bytes) -> list[bytes]:
        """The lines that end in `block`, or with it if it is empty. Raises ToolFailed when one is too long."""
        first, *others = block.split(b"\n")
        self._begun.append(first)
        self._length += len(first)
        if self._length > _MOST_OUTPUT_BYTES:
            raise _too_much(self._name)
        if block and not others:
            return []
        line = b"".join(self._begun)
        *whole, rest = others or [b""]
        self._begun, self._length = [rest], len(rest)
        return [line, *whole] if block or line else []


def _wait(child: "subprocess.Popen[bytes]", stop: Stop | None, limits: Limits) -> None:
    """Wait for a child that has closed its standard output (ffmpeg closes it at its end)."""
    give_up = time.monotonic() + limits.stall_seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
            return
        if stop is not None and stop.is_set():
            raise Stopping("A tool was stopped because vlogd is stopping.")
        if time.monotonic() > give_up:
            raise ToolStalled("A tool did not end after its last output and was killed.")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child with its whole group: politely, then for good."""
    for number, patience in ((signal.SIGTERM, _POLITE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return


def _how_it_ended(name: str, status: int, tail: deque[str]) -> str:
    last = tail[-1] if tail else "it said nothing"
    if status < 0:
        with suppress(ValueError):
            return f"{name} was killed by {signal.Signals(-status).name}: {last}"
    return f"{name} failed (exit status {status}): {last}"
