"""Putting files in place so that a reader sees the whole file or none, and a power cut too.

The order is always: write under a temporary name in the same folder, fsync the file, rename,
fsync the folder (rename(2) is atomic; without the fsyncs it may reach the disk before the data).
"""

import contextlib
import ctypes
import errno
import itertools
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlogd.core.cancellation import Never, Stop, check

_COPY_BYTES = 16 << 20
"""Copied between two looks at `stop`: a tenth of a second on a hard disk."""

_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
"""fcntl.h and linux/fs.h: relative to the working directory; fail rather than replace (renameat2(2))."""

_NAME_BYTES = 255
"""NAME_MAX of Linux's file systems (limits.h)."""

OWN_PREFIX = ".vlogd-"
"""How the names of vlogd's own files in people's folders begin."""

TEMPORARY_PREFIX = f"{OWN_PREFIX}new-"
"""How temporary names begin; what a crash leaves is recognised by it and swept."""


def temporary_beside(path: Path) -> Path:
    """A fresh name in the folder of `path`: beside it, so that a rename suffices, and short enough for any file system."""
    return path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")


def sweep_temporary(folder: Path, pattern: str = "**/") -> None:
    """Delete what a crash left of unfinished files. Nobody may be writing there at the moment."""
    for leftover in folder.glob(f"{pattern}{TEMPORARY_PREFIX}*"):
        leftover.unlink(missing_ok=True)


def copy_beside(source: Path, target: Path, stop: Stop) -> Path:
    """`copy_open_beside` of the file at `source`. Raises OSError for a symbolic link."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        return copy_open_beside(descriptor, target, stop)
    finally:
        os.close(descriptor)


def copy_open_beside(source: int, target: Path, stop: Stop) -> Path:
    """A synced copy of an open file, with its times and mode, under a temporary name beside `target`; its path.

    Raises Stopping in the middle. Nothing is left behind then.
    """
    temporary = temporary_beside(target)
    status = os.fstat(source)
    try:
        with temporary.open("xb") as file:
            while os.sendfile(file.fileno(), source, None, _COPY_BYTES):  # None: from where it is
                check(stop)
            file.flush()
            os.fchmod(file.fileno(), status.st_mode & 0o777)
            os.utime(file.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot fsync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_whole(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all."""
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_if_changed(path: Path, data: bytes) -> bool:
    """`write_whole`, unless the file already holds exactly these bytes. Whether it wrote."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return True


def write_json(path: Path, value: Any) -> None:
    """`write_whole` of indented JSON, keys in the order given, a newline at the end."""
    write_whole(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """JSON as vlogd writes it for people: indented, ASCII, a newline at the end."""
    return (json.dumps(value, indent=1, ensure_ascii=True) + "\n").encode()


def read_json(path: Path) -> Any:
    """The JSON in `path`. Raises OSError, and ValueError for what is not JSON."""
    return json.loads(path.read_bytes())


def move_whole(source: Path, target: Path) -> None:
    """Move a finished file to `target`, also across file systems, whole or not at all."""
    sync_file(source)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:  # also between two mounts of one file system (rename(2))
            raise
        copy_beside(source, target, Never()).replace(target)
        source.unlink()
    sync_folder(target.parent)


def rename_new(source: Path, target: Path) -> None:
    """Rename within a file system without ever replacing anything. Raises FileExistsError when `target` is taken.

    rename(2) replaces. renameat2(2) with RENAME_NOREPLACE does not; where the file system lacks it (NFS), a hard link
    takes the name, which link(2) refuses when it is taken.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not libc.renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE):
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), os.fspath(source), None, os.fspath(target))
    os.link(source, target, follow_symlinks=False)
    source.unlink()


def move_new(source: Path, target: Path) -> None:
    """`move_whole` that never replaces anything. Raises FileExistsError when `target` is taken."""
    sync_file(source)
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copied = copy_beside(source, target, Never())
        try:
            rename_new(copied, target)
        except BaseException:
            copied.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)  # a power cut must not lose both
        source.unlink()
    sync_folder(target.parent)


def move_to_free_name(source: Path, path: Path) -> Path:
    """`move_new` to `path`, or to the same with a number where that name is taken; returns the new path."""
    for target in numbered(path):
        with contextlib.suppress(FileExistsError):
            move_new(source, target)
            return target
    raise AssertionError("numbers do not end")  # pragma: no cover


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, whole or not at all. Raises FileExistsError when the name is taken."""
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(data)
        move_new(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def free(path: Path) -> Path:
    """`path`, or the same with a number where that name is taken."""
    return next(candidate for candidate in numbered(path) if not os.path.lexists(candidate))


def numbered(path: Path) -> Iterator[Path]:
    """`path`, then the same with the numbers from 2 on, within the 255 bytes of a name (NAME_MAX)."""
    yield path
    for number in itertools.count(2):
        end = f"-{number}{path.suffix}"
        stem = os.fsencode(path.stem)[: _NAME_BYTES - len(os.fsencode(end))]
        yield path.with_name(os.fsdecode(stem) + end)
