"""What a process does on a folder, by strace: parses its output, keeps the process's own threads, drops its children."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watched import poll

_CALLS = (
    "openat", "getdents64", "newfstatat", "statx", "read", "pread64", "rename", "renameat", "renameat2",
    "access", "faccessat2", "clone", "clone3", "fork", "vfork",
)  # fmt: skip

_STRACE = ("strace", "-D", "-f", "--seccomp-bpf", "-y", "-ttt", "-s", "0", "-e", f"trace={','.join(_CALLS)}")
"""-D leaves the process that was started ours, -f follows threads, --seccomp-bpf stops only at the calls named, -y prints
the path of a descriptor, -ttt epoch seconds; -s 0 prints no data (paths are printed whole nevertheless). strace(1)."""

_LINE = re.compile(r"(\d+)\s+([\d.]+) (.*)")
_UNFINISHED = re.compile(r"(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")
_NAMED = re.compile(r'(?:\w+<([^>]*)>, )?"([^"]+)"')
_DESCRIPTOR = re.compile(r"\d+<([^>]*)>")
_ENTRIES = re.compile(r"/\* (\d+) entries \*/")


@dataclass(frozen=True)
class Call:
    """One system call on a path. `path` is the target's for a rename. `result` is negative for an error."""

    at: float
    name: str
    path: Path
    by_name: bool
    arguments: str
    result: int

    @property
    def entries(self) -> int:
        """How many names a getdents64 gave."""
        match = _ENTRIES.search(self.arguments)
        return int(match[1]) if match else 0


def strace(output: Path) -> tuple[str, ...]:
    """The command to run a process under, which leaves its calls in `output`."""
    return (*_STRACE, "-o", str(output), "--")


def calls(output: Path, below: Path) -> Iterator[Call]:
    """The calls on paths below a folder of a traced process that has ended, without its children's, in order."""
    _wait_until_whole(output)
    own = _own_threads(output)
    for thread, at, text in _whole_lines(output):
        match = _CALL.match(text)
        if thread in own and match:
            call = _on_path(at, match[1], match[2], int(match[3]))
            if call is not None and call.path.is_relative_to(below):
                yield call


def has_strace() -> bool:
    """Whether strace is here and may trace."""
    try:
        return subprocess.run([*_STRACE, "-o", "/dev/null", "true"], check=False).returncode == 0
    except FileNotFoundError:
        return False


def _wait_until_whole(output: Path) -> None:
    """The last lines are written after the process has ended: wait for the one that says so."""
    thread = output.read_text(errors="replace").partition(" ")[0]
    poll(lambda: re.search(rf"^{thread}\b.*\+\+\+ \w+", _end_of(output), re.MULTILINE), 30)


def _end_of(output: Path) -> str:
    with output.open("rb") as file:
        file.seek(max(0, output.stat().st_size - 4096))
        return file.read().decode(errors="replace")


def _own_threads(output: Path) -> set[int]:
    """The threads of the process that was traced first; its children are made without CLONE_THREAD (clone(2))."""
    own: set[int] = set()
    for thread, _, text in _whole_lines(output):
        own = own or {thread}
        if thread in own and text.startswith(("clone(", "clone3(")) and "CLONE_THREAD" in text:
            own.add(int(text.rpartition(" = ")[2]))
    return own


def _whole_lines(output: Path) -> Iterator[tuple[int, float, str]]:
    """Thread, epoch seconds and text of each call; one that others interrupted is put together again."""
    begun: dict[int, str] = {}
    with output.open(errors="replace") as lines:
        for line in lines:
            match = _LINE.match(line)
            if match is None:
                continue
            thread, at, text = int(match[1]), float(match[2]), match[3]
            if unfinished := _UNFINISHED.match(text):
                begun[thread] = unfinished[1]
            elif resumed := _RESUMED.match(text):
                yield thread, at, begun.pop(thread, "") + resumed[1]
            else:
                yield thread, at, text


def _on_path(at: float, name: str, arguments: str, result: int) -> Call | None:
    """The call with the path that it is about: named by its arguments, or that of its descriptor."""
    named = _NAMED.findall(arguments)
    if named:
        folder, path = named[-1]
        return Call(at, name, Path(folder or "/") / path, True, arguments, result)
    descriptor = _DESCRIPTOR.match(arguments)
    return Call(at, name, Path(descriptor[1]), False, arguments, result) if descriptor else None
