"""System calls that a tool cannot make, as a program for the kernel's classic packet filter (seccomp(2), bpf(4)).

A refused call fails with EPERM. The rest is allowed: decoders and drivers need much, and Landlock holds their files. Calls
are refused that no tool needs and that have let programs out of sandboxes, or that reach other processes.
"""

import errno
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, |BPF_JGE, |BPF_JSET, and BPF_RET|BPF_K (linux/bpf_common.h)."""
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
"""SECCOMP_RET_ALLOW, and SECCOMP_RET_ERRNO with an error number in its low bits."""
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT, _ARGUMENT_BYTES = 0, 4, 16, 8
"""Offsets in `struct seccomp_data`; the low half of an argument comes first on the machines below."""

_X32 = 0x40000000
"""x86_64 has a second set of numbers with this bit: the same calls (arch/x86/entry/syscalls)."""
_CLONE_THREAD, _CLONE_NAMESPACES = 0x00010000, 0x7E020000
_SET_OWNER = (8, 15)
"""F_SETOWN and F_SETOWN_EX: whom the kernel sends SIGIO, or any other signal (fcntl(2))."""
_TYPE_FOR_OTHERS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: input that a terminal's other users get (ioctl_tty(2))."""

_COLUMNS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""A machine's column of the table, and its name in the kernel (linux/audit.h)."""

# fmt: off
_NEVER: dict[str, tuple[int | None, int | None]] = {
    # Other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # Namespaces and file systems
    "mount": (165, 40), "umount2": (166, 39), "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "pivot_root": (155, 41),
    "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268), "swapon": (167, 224), "swapoff": (168, 225),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443),
    # Who may do what with a file, and its times: Landlock doesn't keep them (landlock(7), "Current limitations")
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, None), "utimes": (235, None), "futimesat": (261, None),
    "utimensat": (280, 88), "truncate": (76, 45), "inotify_add_watch": (254, 27), "file_setattr": (469, 469),
    # Large parts of the kernel that no tool needs
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "lookup_dcookie": (212, 18), "modify_ldt": (154, None), "iopl": (172, None), "ioperm": (173, None),
    "personality": (135, 92), "vhangup": (153, 58),
    # The machine's clock and name
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162),
    # Memory and messages that outlive a process and are shared by name
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}
_NETWORK: dict[str, tuple[int | None, int | None]] = {"socket": (41, 198)}
_FORKS: dict[str, tuple[int | None, int | None]] = {"fork": (57, None), "vfork": (58, None)}
_SIGNALS: dict[str, tuple[int | None, int | None]] = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
}
_CLONE, _CLONE3, _FCNTL, _IOCTL = (56, 220), (435, 435), (72, 25), (16, 29)
_PRLIMIT, _SETPRIORITY = (302, 261), (141, 140)
# fmt: on


@dataclass(frozen=True)
class _Step:
    """One instruction; `then` and `otherwise` are how many following ones a jump leaves out."""

    code: int
    value: int
    then: int = 0
    otherwise: int = 0


_REFUSE = _Step(_RETURN, _FAIL | errno.EPERM)
_PASS = _Step(_RETURN, _ALLOW)


def is_supported() -> bool:
    """Whether the system calls of this machine are known here."""
    return os.uname().machine in _COLUMNS


def program(*, network: bool, processes: bool, signals: bool) -> bytes:
    """The filter for this machine. `signals` is whether something else keeps signals from other processes."""
    column, architecture = _COLUMNS[os.uname().machine]
    refused = {
        **_NEVER,
        **({} if network else _NETWORK),
        **({} if processes else _FORKS),
        **({} if signals else _SIGNALS),
    }
    steps = [
        _Step(_LOAD, _ARCHITECTURE_AT),
        _Step(_EQUAL, architecture, then=1),
        _REFUSE,
        _Step(_LOAD, _NUMBER_AT),
    ]
    if column == 0:
        steps += [_Step(_AT_LEAST, _X32, otherwise=1), _REFUSE]
    for numbers in refused.values():
        number = numbers[column]
        if number is not None:
            steps += [_Step(_EQUAL, number, otherwise=1), _REFUSE]
    # Its flags are in memory, which a filter cannot read: it "is not there", and the C library takes clone(2) instead.
    steps += [_Step(_EQUAL, _CLONE3[column], otherwise=1), _Step(_RETURN, _FAIL | errno.ENOSYS)]
    steps += _where(_CLONE[column], 0, _clone(processes=processes))
    steps += _where(_FCNTL[column], 1, _refuse_if(_SET_OWNER))
    steps += _where(_IOCTL[column], 1, _refuse_if(_TYPE_FOR_OTHERS))
    steps += _where(_PRLIMIT[column], 0, _refuse_unless_zero())
    steps += _where(_SETPRIORITY[column], 1, _refuse_unless_zero())
    return b"".join(
        struct.pack("=HBBI", step.code, step.then, step.otherwise, step.value) for step in [*steps, _PASS]
    )


def _where(number: int, argument: int, steps: list[_Step]) -> list[_Step]:
    """Where the call is `number`: judge the low half of one argument by `steps`, which end with a return."""
    load = _Step(_LOAD, _ARGUMENTS_AT + _ARGUMENT_BYTES * argument)
    return [_Step(_EQUAL, number, otherwise=1 + len(steps)), load, *steps]


def _clone(*, processes: bool) -> list[_Step]:
    """Threads, and processes where they are allowed; never new namespaces."""
    threads_only = [] if processes else [_Step(_ANY_BIT, _CLONE_THREAD, then=1), _REFUSE]
    return [_Step(_ANY_BIT, _CLONE_NAMESPACES, otherwise=1), _REFUSE, *threads_only, _PASS]


def _refuse_if(values: Iterable[int]) -> list[_Step]:
    return [step for value in values for step in (_Step(_EQUAL, value, otherwise=1), _REFUSE)] + [_PASS]


def _refuse_unless_zero() -> list[_Step]:
    """0 is the process itself."""
    return [_Step(_EQUAL, 0, then=1), _REFUSE, _PASS]
