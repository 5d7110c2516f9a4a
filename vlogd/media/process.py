"""The one place that starts other programs.

A child never outlives vlogd, even when vlogd is killed with SIGKILL. It runs niced, in its own
process group, with a bounded address space and without vlogd's standard input, and is killed when
it stops making progress. It touches only what its `Access` names. All this is set by a small program
that becomes the tool (`sandbox/launcher.py`), because code between fork and exec is not safe in a
process with threads (Python docs, `subprocess`, `preexec_fn`).

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
from pathlib import Path
from typing import IO

from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping, ToolFailed, ToolKilled, ToolStalled, Unavailable
from vlogd.media import refusals
from vlogd.media.sandbox import launcher, walls
from vlogd.media.sandbox.access import Access
from vlogd.media.sandbox.walls import Bounds

_TAIL_LINES = 40
"""Of standard error. The reason of a failure is among ffmpeg's last lines; a damaged file prints thousands before."""
_MAX_TAIL_LINE_CHARACTERS = 500
"""Longer lines are cut: error messages are shown to people, and may quote a file's tags."""
_POLL_SECONDS = 0.25
"""How soon a stop or a stall is noticed while the child prints nothing."""
_TERMINATE_SECONDS = 2.0
"""From SIGTERM to SIGKILL. ffmpeg needs a moment to close its output files."""
_READ_BYTES = 1 << 16
"""A pipe's capacity on Linux (pipe(7)): more cannot be read at once."""
_MAX_OUTPUT_BYTES = 16 << 20
"""Of one line, and of all that `output` collects. The largest genuine description takes a few megabytes."""

_KILLED_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM)
"""Return codes of a tool that was killed from outside, by the OOM killer for instance. A crash of its own (SIGSEGV,
SIGABRT) may be caused by the file."""

_EXPLAINED = ("ffmpeg", "ffprobe")
"""The programs whose standard error `refusals` understands."""

NOTHING = Access()
"""Of people's files; for a tool that tells something about itself."""

Line = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """What a child may use. The defaults are those of the configuration's `limits`.

    `memory_bytes` bounds its address space (0: not bounded); `stall_seconds` is how long it may run
    without progress on its standard output; `niceness` is that of nice(1). `cpu_seconds` bounds what it computes
    (0: not bounded): a slow disk uses none of it.
    """

    memory_bytes: int = 8 << 30
    stall_seconds: float = 300.0
    niceness: int = 10
    cpu_seconds: int = 0


def run(
    command: Sequence[str],
    *,
    limits: Limits,
    access: Access = NOTHING,
    stop: Stop | None = None,
    on_line: Line | None = None,
    is_progress: Callable[[str], bool] = lambda _line: True,
) -> Sequence[str]:
    """Run `command` to its end; return the last lines of its standard error. It may touch what `access` names.

    Each line of its standard output goes to `on_line`; `is_progress(line)` is whether that line proves progress.

    Raises ToolFailed when it fails or prints an endless line, ToolStalled when it stalls (both with the last lines),
    ToolKilled when it was killed from outside, Stopping when `stop` is set meanwhile, and Unavailable when the program
    is not installed, or cannot be kept to what it may touch.
    """
    child = _start(command, limits, access)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    reader = threading.Thread(target=_keep_tail, args=(child.stderr, tail), daemon=True)
    reader.start()
    try:
        _read_output(child, command[0], limits, stop, on_line, is_progress, tail)
    except BaseException:
        _terminate(child)
        raise
    finally:
        reader.join()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
    if child.returncode in _KILLED_BY_OTHERS:
        name, by = _short(command[0]), _signal_name(child.returncode)
        raise ToolKilled(refusals.TOOL_KILLED.sentence(tool=name, signal=by), tuple(tail))
    if child.returncode == -signal.SIGXCPU and limits.cpu_seconds:
        sentence = refusals.TOO_MUCH_WORK.sentence(tool=_short(command[0]), seconds=limits.cpu_seconds)
        raise ToolFailed(sentence, tuple(tail))
    if child.returncode == launcher.FAILED and tail and tail[-1].startswith(launcher.FAILURE):
        raise Unavailable(f"{_short(command[0])} was not started: {tail[-1]}.")
    if child.returncode != 0:
        raise ToolFailed(_failure_sentence(command[0], child.returncode, tail), tuple(tail))
    return tuple(tail)


def output(
    command: Sequence[str], *, limits: Limits, access: Access = NOTHING, stop: Stop | None = None
) -> str:
    """Run `command` and return its standard output. Raises as `run` does, and ToolFailed when there is too much of it."""
    text = io.StringIO()

    def append(line: str) -> None:
        if text.tell() + len(line) > _MAX_OUTPUT_BYTES:
            raise _too_much_output(command[0])
        text.write(f"{line}\n")

    run(command, limits=limits, access=access, stop=stop, on_line=append)
    return text.getvalue().removesuffix("\n")


def _too_much_output(name: str) -> ToolFailed:
    return ToolFailed(
        refusals.TOO_MUCH_OUTPUT.sentence(mebibytes=_MAX_OUTPUT_BYTES >> 20), (f"{name} printed too much",)
    )


def _start(command: Sequence[str], limits: Limits, access: Access) -> "subprocess.Popen[bytes]":
    program = shutil.which(command[0])
    if program is None:
        raise Unavailable(f"The program {command[0]} is not installed; `vlogd doctor` says what to do.")
    bounds = Bounds(limits.niceness, limits.memory_bytes, limits.cpu_seconds)
    with walls.launch(command, Path(program), bounds, access) as launch:
        return subprocess.Popen(
            launch.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            pass_fds=launch.descriptors,
            env=launch.environment,
        )


def _keep_tail(pipe: IO[bytes] | None, tail: deque[str]) -> None:
    for raw in pipe or ():
        text = raw.decode("utf-8", "replace").strip()
        if text:
            tail.append(text[:_MAX_TAIL_LINE_CHARACTERS])


def _read_output(
    child: "subprocess.Popen[bytes]",
    name: str,
    limits: Limits,
    stop: Stop | None,
    on_line: Line | None,
    is_progress: Callable[[str], bool],
    tail: deque[str],
) -> None:
    """Read the child's standard output until it ends, watching for a stall and for `stop`."""
    assert child.stdout is not None  # noqa: S101 - Popen was given a pipe
    last_progress = time.monotonic()
    lines = _LineSplitter(name)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if stop is not None and stop.is_set():
                raise Stopping(f"{name} was stopped because vlogd is stopping.")
            if time.monotonic() - last_progress > limits.stall_seconds:
                raise ToolStalled(_stall_sentence(name, limits), tuple(tail))
            if not selector.select(_POLL_SECONDS):
                continue
            block = os.read(child.stdout.fileno(), _READ_BYTES)
            for raw in lines.completed_by(block):
                text = raw.decode("utf-8", "replace")
                if is_progress(text):
                    last_progress = time.monotonic()
                if on_line is not None:
                    on_line(text)
            if not block:
                break
    _wait(child, name, stop, limits)


class _LineSplitter:
    """Splits blocks into lines. Each byte is joined once, however long the line is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pending: list[bytes] = []
        self._length = 0

    def completed_by(self, block: bytes) -> list[bytes]:
        """The lines that `block` completes; an empty block is the end. Raises ToolFailed when a line is too long."""
        first, *others = block.split(b"\n")
        self._pending.append(first)
        self._length += len(first)
        if self._length > _MAX_OUTPUT_BYTES:
            raise _too_much_output(self._name)
        if block and not others:
            return []
        line = b"".join(self._pending)
        *complete, rest = others or [b""]
        self._pending, self._length = [rest], len(rest)
        return [line, *complete] if block or line else []


def _wait(child: "subprocess.Popen[bytes]", name: str, stop: Stop | None, limits: Limits) -> None:
    """Wait for a child that has closed its standard output, as ffmpeg does just before it exits."""
    deadline = time.monotonic() + limits.stall_seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_POLL_SECONDS)
            return
        if stop is not None and stop.is_set():
            raise Stopping(f"{name} was stopped because vlogd is stopping.")
        if time.monotonic() > deadline:
            raise ToolStalled(_stall_sentence(name, limits))


def _terminate(child: "subprocess.Popen[bytes]") -> None:
    """End the child and its whole process group: with SIGTERM, then with SIGKILL."""
    for number, timeout_seconds in ((signal.SIGTERM, _TERMINATE_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout_seconds)
            return


def _failure_sentence(command: str, status: int, tail: Sequence[str]) -> str:
    """What a failure means for people; what the tool printed is in the error's `stderr_tail`."""
    cause = refusals.explained(tail) if _short(command) in _EXPLAINED else None
    if cause is not None:
        return cause.sentence()
    if status < 0:
        return refusals.TOOL_CRASHED.sentence(tool=_short(command), signal=_signal_name(status))
    return refusals.TOOL_FAILED.sentence(tool=_short(command), status=status)


def _stall_sentence(command: str, limits: Limits) -> str:
    return refusals.TOOL_STALLED.sentence(tool=_short(command), seconds=f"{limits.stall_seconds:.0f}")


def _short(command: str) -> str:
    """A program's name without its folder."""
    return command.rpartition("/")[2]


def _signal_name(status: int) -> str:
    """The name of the signal that ended a child with this return code."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
