"""Where folders really lie, according to the kernel (proc(5), mountinfo)."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath

_MOUNTS = Path("/proc/self/mountinfo")
_DEVICE, _ROOT, _MOUNT_POINT = 2, 3, 4
"""The indices of some fields of a line (proc(5)): major:minor, the mounted folder within its file system, where it is mounted."""


@dataclass(frozen=True)
class Place:
    """A folder by its file system's device and its path inside it, which no link and no bind mount changes.

    `kind` is the file system's type, `options` are its own, not those of the mount.
    """

    device: bytes
    path: PurePosixPath
    kind: str
    options: frozenset[str] = frozenset()

    def is_in(self, other: "Place") -> bool:
        """Whether it is that folder, or lies inside it."""
        return self.device == other.device and self.path.is_relative_to(other.path)


def place(folder: Path, mounts: Path = _MOUNTS) -> Place | None:
    """Where `folder` lies, or would lie if it were made; None if the kernel does not say."""
    longest_mount_point, found = b"", None
    real = os.fsencode(folder.resolve())
    for line in mounts.read_bytes().split(b"\n"):
        of_mount, _, of_file_system = line.partition(b" - ")
        fields = of_mount.split(b" ")
        mount_point = _unescaped(fields[_MOUNT_POINT]) if len(fields) > _MOUNT_POINT else b""
        inside = real == mount_point or real.startswith(mount_point.rstrip(b"/") + b"/")
        if mount_point and inside and len(mount_point) >= len(longest_mount_point):
            longest_mount_point = mount_point
            root = PurePosixPath(os.fsdecode(_unescaped(fields[_ROOT])))
            below = os.fsdecode(real[len(mount_point.rstrip(b"/")) :]).lstrip("/")
            kind, *source_and_options = of_file_system.decode("ascii", "replace").split(" ")
            options = frozenset(source_and_options[-1].split(",")) if source_and_options else frozenset()
            found = Place(fields[_DEVICE], root / below, kind, options)
    return found


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that `folder` is on, such as "ext4" or "nfs4"; "" if unknown."""
    found = place(folder, mounts)
    return "" if found is None else found.kind


def overlaps(folders: Mapping[str, Path], mounts: Path = _MOUNTS) -> Iterator[str]:
    """A sentence for each two of these folders that are one, or lie in one another, by a link or a mount.

    `folders` maps names for people to paths, which differ.
    """
    places = {name: found for name, folder in folders.items() if (found := place(folder, mounts)) is not None}
    for first, second in combinations(places, 2):
        inner, outer = (second, first) if places[second].is_in(places[first]) else (first, second)
        if places[inner].is_in(places[outer]):
            relation = "the same folder as" if places[outer].is_in(places[inner]) else "inside"
            yield (
                f"{inner}: {folders[inner]} is {relation} {outer} ({folders[outer]}), by a link or a mount; "
                "keep them apart."
            )


def _unescaped(field: bytes) -> bytes:
    """A mount point's own bytes: the kernel writes space, tab, newline, backslash and # in octal, no others."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field)
