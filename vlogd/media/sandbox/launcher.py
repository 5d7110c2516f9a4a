"""Goes inside the walls and becomes the tool: `launcher.py PARENT NICENESS MEMORY SECONDS RULESET FILTER PROGRAM WORDS…`.

It runs for some milliseconds at each start of a tool, by itself (`python -I -S`), so it imports nothing of vlogd and no more
than it must. RULESET is the descriptor of a Landlock ruleset or -1, FILTER a seccomp program in hexadecimal or -; WORDS are the
tool's, from its name on. Where it fails, it says why and exits with `FAILED`.
"""

import ctypes
import os
import resource
import sys

FAILED = 125
"""Its exit status, as that of env(1) and nice(1)."""
FAILURE = "vlogd could not put up its walls: "
"""What its only line of standard error begins with."""

_SET_PARENT_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _AMBIENT_CAPABILITIES = 1, 22, 38, 47
_CLEAR_ALL, _FILTER_MODE = 4, 2
"""prctl(2), linux/prctl.h, linux/seccomp.h."""
_KILL, _PIPE, _FILE_SIZE, _DEFAULT = 9, 13, 25, 0
"""SIGKILL; SIGPIPE and SIGXFSZ, which Python ignores and a program inherits; SIG_DFL (signal(7))."""
_CAPABILITY_VERSION = 0x20080522
_READ_ANYTHING = 1 << 2
"""CAP_DAC_READ_SEARCH (capabilities(7))."""
_RESTRICT_SELF = 446
_SET_IO_PRIORITY = {"x86_64": 251, "aarch64": 30}
_THIS_PROCESS, _LAST_OF_BEST_EFFORT = 1, 2 << 13 | 7
"""ioprio_set(2). The idle class would starve on a busy disk (ionice(1))."""
_INSTRUCTION_BYTES = 8
_GRACE_SECONDS = 5

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def main(words: list[str]) -> None:
    """Become the tool. Raises OSError where the kernel refuses."""
    parent, niceness, memory_bytes, cpu_seconds, ruleset, program, path, *command = words
    _require(_libc.prctl(_SET_PARENT_DEATH_SIGNAL, _KILL, 0, 0, 0))
    if os.getppid() != int(parent):
        sys.exit(FAILED)  # it died before the line above, and nobody waits for the tool
    os.nice(int(niceness))
    if os.uname().machine in _SET_IO_PRIORITY:
        _libc.syscall(_SET_IO_PRIORITY[os.uname().machine], _THIS_PROCESS, 0, _LAST_OF_BEST_EFFORT)
    if int(memory_bytes):
        # The address space: Linux enforces no limit of resident memory (setrlimit(2)).
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    if int(cpu_seconds):
        # SIGXCPU at the first number, SIGKILL at the second.
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds) + _GRACE_SECONDS))
    _drop_capabilities()
    for number in (_PIPE, _FILE_SIZE):
        _libc.signal(number, _DEFAULT)
    _require(_libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    if int(ruleset) >= 0:
        _require(_libc.syscall(_RESTRICT_SELF, int(ruleset), 0))
        os.close(int(ruleset))
    if program != "-":
        instructions = bytes.fromhex(program)
        filtered = _Program(len(instructions) // _INSTRUCTION_BYTES, instructions)
        _require(_libc.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.byref(filtered), 0, 0))
    os.execv(path, command)  # noqa: S606 - that is what it is for


def _drop_capabilities() -> None:
    """All but root's right to read files of other users, which vlogd itself needs for them; Landlock says which files."""
    _libc.prctl(_AMBIENT_CAPABILITIES, _CLEAR_ALL, 0, 0, 0)
    header, sets = _CapabilityHeader(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _require(_libc.capget(ctypes.byref(header), sets))
    kept = sets[1] & _READ_ANYTHING if os.geteuid() == 0 else 0
    _require(_libc.capset(ctypes.byref(header), (ctypes.c_uint32 * 6)(kept, kept)))


def _require(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as error:  # noqa: BLE001 - whatever it is, the tool must not run without its walls
        os.write(2, f"{FAILURE}{error}\n".encode())
        os._exit(FAILED)
