"""What this machine has."""

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def memory_bytes(cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> int:
    """The memory that this process and its children may use: the machine's, or what a control group above leaves of it.

    `memory.max` of each group from its own to the root bounds it (the kernel's cgroup-v2 documentation).
    """
    bounds = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for group in _groups(own):
        with suppress(
            OSError, ValueError
        ):  # "max" is no bound; the root and containers may have no such file
            bounds.append(int((cgroups / group / "memory.max").read_text()))
    return min(bounds)


def _groups(own: Path) -> list[PurePosixPath]:
    """The control groups of this process, relative to the root of their tree (cgroups(7): `0::/path`)."""
    with suppress(OSError, UnicodeDecodeError):
        for line in own.read_text().splitlines():
            if line.startswith("0::/"):
                path = PurePosixPath(line.removeprefix("0::/"))
                return [path, *path.parents]
    return [PurePosixPath()]
