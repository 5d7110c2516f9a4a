"""Landlock: a process gives up the rights to files that it was not told of, for itself and its children (landlock(7)).

Rules name files and folders that exist, by descriptor. What a kernel does not know yet is not asked of it: files since
5.13, TCP since 6.7 (ABI 4), devices' ioctl since 6.10 (5), signals and abstract sockets since 6.12 (6).
"""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vlogd.media.sandbox.access import Access

_CREATE_RULESET, _ADD_RULE = 444, 445
"""System call numbers, the same on every architecture that is newer than they (asm-generic/unistd.h)."""
_WANT_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REMOVE, _MAKE_DIR, _MAKE_FILE, _MAKE_LINK = 1 << 4 | 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL}
"""The rights of ABI 1, and those that a later ABI added (linux/landlock.h)."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
"""Rights that a rule for something else than a folder may have."""

_READ = _READ_FILE | _READ_DIR
_USE = _READ | _EXECUTE
_WRITE = _READ | _WRITE_FILE | _REMOVE | _MAKE_DIR | _MAKE_FILE | _MAKE_LINK | _REFER | _TRUNCATE

_TCP_ABI, _BIND_AND_CONNECT = 4, 3
SCOPES_ABI, _SCOPES = 6, 3
"""From this ABI on, signals and abstract sockets end at the wall."""

_PROGRAMS = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/home/linuxbrew/.linuxbrew",
)
"""Where distributions keep programs and libraries: nothing there is secret."""
_FACTS = (
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/proc/filesystems", "/proc/sys/vm/overcommit_memory", "/sys/devices/system", "/dev/zero", "/dev/random", "/dev/urandom",
)  # fmt: skip
"""What the dynamic linker, C libraries and encoders look at: libraries, the time zone, processors, memory."""
_SINKS = ("/dev/null", "/dev/full")
_NETWORK = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/run/systemd/resolve",
)  # fmt: skip
"""How names become addresses, and whom to trust (nsswitch.conf(5), resolv.conf(5))."""
_DEVICES = ("dri", "kfd", "nvidia*")
"""Below /dev: graphics cards."""
_DEVICE_FACTS = (
    "/proc",
    "/sys",
    "/etc/OpenCL",
    "/etc/vulkan",
    "/etc/glvnd",
    "/etc/drirc",
    "/etc/libva.conf",
    "/etc/nvidia",
)
"""What drivers of graphics cards look at. What /proc has of other processes' memory and environment, Landlock keeps all the same."""


@cache
def abi() -> int:
    """The version of the kernel's Landlock; 0 where it has none, or it is turned off."""
    version: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _WANT_VERSION)
    return max(0, version)


def ruleset(access: Access, program: Path) -> int:
    """A descriptor of the rules for `program` under `access`. Raises OSError when the kernel refuses."""
    version = abi()
    rights = _FIRST_RIGHTS
    for since, right in _LATER_RIGHTS.items():
        rights |= right if version >= since else 0
    attributes = [rights]
    if version >= _TCP_ABI:
        attributes.append(0 if access.network else _BIND_AND_CONNECT)
    if version >= SCOPES_ABI:
        attributes.append(_SCOPES)
    packed = struct.pack(f"={len(attributes)}Q", *attributes)
    rules = _system_call(_CREATE_RULESET, packed, len(packed), 0)
    try:
        for path, wanted in _allowed(access, program):
            _add(rules, path, wanted & rights)
    except BaseException:
        os.close(rules)
        raise
    return rules


def _allowed(access: Access, program: Path) -> Iterator[tuple[Path, int]]:
    """Paths with the rights to them, some of which need not exist."""
    prefix = program.resolve().parent.parent
    # A program of its own tree, such as /opt/ffmpeg/bin/ffmpeg, has its libraries beside it.
    own = (prefix / "lib", prefix / "lib64", *_folders_of_libraries()) if prefix != Path("/") else ()
    yield from ((path, _USE) for path in (*map(Path, _PROGRAMS), program, *own))
    yield from ((path, _READ) for path in (*map(Path, _FACTS), *access.reads))
    yield from ((Path(path), _READ_FILE | _WRITE_FILE | _TRUNCATE) for path in _SINKS)
    yield from ((path, _WRITE) for path in access.writes)
    if access.network:
        yield from ((Path(path), _READ) for path in _NETWORK)
    cards = [path for name in _DEVICES for path in Path("/dev").glob(name)] if access.devices else []
    if cards:
        yield from ((Path(path), _READ) for path in _DEVICE_FACTS)
    yield from ((path, _READ | _WRITE_FILE | _IOCTL) for path in cards)


def _folders_of_libraries() -> list[Path]:
    return [Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path]


def _add(rules: int, path: Path, rights: int) -> None:
    """Allow `rights` at `path`, links resolved. What does not exist, or cannot be reached, needs no rule."""
    try:
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(at).st_mode):
            rights &= _OF_FILES
        _system_call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, at), 0)
    finally:
        os.close(at)


def _system_call(number: int, *arguments: int | bytes) -> int:
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno() or errno.EINVAL
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
