"""Folders that are closed to all but vlogd's user and root: the state folder, and what lies in it.

Within a closed folder the modes of files don't matter: nobody else reaches them (path_resolution(7)).
"""

import os
from contextlib import suppress
from pathlib import Path

_CLOSED = 0o700


def make_folder(path: Path) -> None:
    """Make a closed folder, or close the one that is there."""
    path.mkdir(mode=_CLOSED, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        close_folder(descriptor)
    finally:
        os.close(descriptor)


def close_folder(descriptor: int) -> None:
    """Take all rights in an open folder from others, where the file system has permissions (FAT has none).

    A folder that is not ours stays as its owner wants it.
    """
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        with suppress(PermissionError):
            os.fchmod(descriptor, _CLOSED)


def is_ours(status: os.stat_result) -> bool:
    """Whether a file belongs to our user or to root."""
    return status.st_uid in (0, os.geteuid())
