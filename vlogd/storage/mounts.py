"""Which file system a folder is on, according to the kernel (proc(5), mountinfo)."""

import os
import re
from pathlib import Path

_MOUNT_POINT = 4
"""The index of the mount point among a line's fields (proc(5))."""


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that `folder` is on, such as "ext4" or "nfs4"; "" if unknown."""
    longest_mount_point, kind = b"", b""
    real = os.fsencode(folder.resolve())
    for line in mounts.read_bytes().split(b"\n"):
        of_mount, _, of_file_system = line.partition(b" - ")
        fields = of_mount.split(b" ")
        mount_point = _unescaped(fields[_MOUNT_POINT]) if len(fields) > _MOUNT_POINT else b""
        inside = real == mount_point or real.startswith(mount_point.rstrip(b"/") + b"/")
        if mount_point and inside and len(mount_point) >= len(longest_mount_point):
            longest_mount_point, kind = mount_point, of_file_system.split(b" ")[0]
    return kind.decode("ascii", "replace")


def _unescaped(field: bytes) -> bytes:
    """A mount point's own bytes: the kernel writes space, tab, newline, backslash and # in octal, no others."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field)
