"""Putting files in place so that a reader sees the whole file or none, and a power cut too.

The order is always: write under a temporary name in the same folder, fsync the file, rename,
fsync the folder (rename(2) is atomic; without the fsyncs it may reach the disk before the data).
"""

import contextlib
import errno
import itertools
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from vlogd.core import contents
from vlogd.core.cancellation import Never, Stop
from vlogd.core.descriptors import Folder

_NAME_BYTES = 255
"""NAME_MAX of Linux's file systems (limits.h)."""

_EXTENSION_BYTES = 100
"""What follows the last dot of a name is no extension if it is longer: it must leave room for a number."""

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
    """A synced copy of `source`, with its times and permissions, under a temporary name beside `target`; its path.

    Raises Stopping in the middle, and OSError for anything but a regular file. Nothing is left behind then.
    """
    temporary = temporary_beside(target)
    with Folder.at(source.parent) as folder, folder.open_file(source.name) as file:
        try:
            with temporary.open("xb") as copied:
                contents.copy(file, copied, stop)
                contents.copy_description(file, copied)
                os.fsync(copied.fileno())
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
    """Rename within a file system without ever replacing anything. Raises FileExistsError when `target` is taken."""
    with Folder.at(source.parent) as folder, Folder.at(target.parent) as to:
        folder.rename_new(source.name, to, target.name)


def move_to_free_name(folder: Folder, name: str, to: Folder, wanted: str) -> str:
    """Rename to `wanted`, or to the same with a number where that is taken; the new name. Nothing is ever replaced."""
    for target in numbered(Path(wanted)):
        with contextlib.suppress(FileExistsError):
            folder.rename_new(name, to, target.name)
            to.sync()
            return target.name
    raise AssertionError("numbers do not end")  # pragma: no cover


def rename_to_free_name(source: Path, wanted: Path) -> Path:
    """`move_to_free_name` for paths; the new path."""
    with Folder.at(source.parent) as folder, Folder.at(wanted.parent) as to:
        return wanted.with_name(move_to_free_name(folder, source.name, to, wanted.name))


@contextlib.contextmanager
def new_file(folder: Folder, name: str) -> Iterator[BinaryIO]:
    """A file to fill, which nobody else may read: it gets its name, synced, when the context ends, or it never was there.

    Raises FileExistsError then when the name is taken.
    """
    temporary = temporary_beside(Path(name)).name
    try:
        with folder.create_file(temporary) as file:
            yield file
            os.fsync(file.fileno())
        folder.rename_new(temporary, folder, name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            folder.unlink(temporary)
    folder.sync()


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, for vlogd alone, whole or not at all. Raises FileExistsError when the name is taken."""
    with Folder.at(path.parent) as folder, new_file(folder, path.name) as file:
        file.write(data)


def numbered(path: Path) -> Iterator[Path]:
    """`path`, then the same with the numbers from 2 on, within the 255 bytes of a name (NAME_MAX)."""
    yield path
    is_extension = len(os.fsencode(path.suffix)) <= _EXTENSION_BYTES
    whole_stem, suffix = (path.stem, path.suffix) if is_extension else (path.name, "")
    for number in itertools.count(2):
        end = f"-{number}{suffix}"
        stem = os.fsencode(whole_stem)[: _NAME_BYTES - len(os.fsencode(end))]
        yield path.with_name(os.fsdecode(stem) + end)
