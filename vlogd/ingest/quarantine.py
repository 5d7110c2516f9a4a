"""An inbox's `_failed` folder: files that are not videos, each with a note for the person who dropped it.

<inbox>/_failed/<file name>        what could not be taken
<inbox>/_failed/<file name>.txt    why, in a sentence

The note is written first, so that a crash loses neither it nor the file; then the file follows, and what a crash
interrupted is recognised by its note and its bytes and not put there twice.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from vlogd.core import contents, digest, files
from vlogd.core.cancellation import Never
from vlogd.core.descriptors import Folder
from vlogd.core.errors import Unavailable
from vlogd.core.escape import escaped
from vlogd.ingest import inbox_folder
from vlogd.ingest.ignored_names import FAILED

_STILL_COPIED_SECONDS = 2.0
"""A file in `_failed` whose modification time is so much later than its note's is still being copied."""

_MOST_NAMES = 100_000
"""How many files are looked at in a `_failed`, some hundred bytes each; the others once these are gone."""

_NAME_BYTES = 255
"""The longest name that Linux file systems take (NAME_MAX, limits.h)."""


def put(claimed: Path, inbox: Path, sentence: str) -> Path:
    """Move what is not a video to `_failed`, with its note; returns its new path. Replaces nothing.

    The note is one line that any terminal can show: a tool's words in it may quote the file's name or content.
    Raises Unavailable when `_failed` cannot be used; then the file is where it was.
    """
    with inbox_folder.failed(inbox, create=True) as failed, Folder.at(claimed.parent) as folder:
        try:
            with folder.open_file(claimed.name) as file:
                name = _put(file, folder, claimed.name, failed, f"{escaped(sentence)}\n".encode())
        except OSError as error:
            raise Unavailable(f"{inbox / FAILED} cannot be used: {error.strerror}.") from error
    return inbox / FAILED / name


def _put(file: BinaryIO, folder: Folder, name: str, failed: Folder, note: bytes) -> str:
    """Put the file under the first name that is free, and free for its note as well; returns that name.

    One file at most is compared with it: others may have put there any number that begin like it.
    """
    may_be_copied = folder.own_status().st_dev != failed.own_status().st_dev
    for target in (path.name for path in files.numbered(Path(name))):
        note_name = _note_of(target)
        if failed.has(target):
            if may_be_copied and _holds(failed, note_name, note) and _has_size_of(failed, target, file):
                if _is_same(failed, target, file):
                    folder.unlink(name)  # a crash came before this, after it was copied from another disk
                    return target
                may_be_copied = False
        elif note_name == target or _place_note(failed, note_name, note, file):
            with suppress(FileExistsError):
                _move(file, folder, name, failed, target)
                return target
            if note_name != target:
                failed.unlink(note_name)
    raise AssertionError("numbers do not end")  # pragma: no cover


def _place_note(failed: Folder, name: str, note: bytes, about: BinaryIO) -> bool:
    """Whether the note is there: it is new, or a crash came before its file followed it.

    It gets the file's own time if that is later: a camera's clock may be ahead.
    """
    try:
        with files.new_file(failed, name) as file:
            file.write(note)
            os.fchmod(file.fileno(), 0o644)
            newest_ns = max(os.fstat(one.fileno()).st_mtime_ns for one in (about, file))
            os.utime(file.fileno(), ns=(newest_ns, newest_ns))
    except FileExistsError:
        return _holds(failed, name, note)
    return True


def _move(file: BinaryIO, folder: Folder, name: str, failed: Folder, target: str) -> None:
    """Raises FileExistsError when somebody took the name meanwhile."""
    os.fsync(file.fileno())
    try:
        folder.rename_new(name, failed, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with files.new_file(failed, target) as copied:  # synced: a power cut must not lose both
            contents.copy(file, copied, Never())
            contents.copy_description(file, copied)
        folder.unlink(name)
    failed.sync()


def _holds(failed: Folder, name: str, data: bytes) -> bool:
    """Whether that is a file with these bytes."""
    try:
        with failed.open_file(name) as file:
            return file.read(len(data) + 1) == data
    except OSError:
        return False


def _has_size_of(failed: Folder, name: str, file: BinaryIO) -> bool:
    with suppress(FileNotFoundError):
        return failed.status(name).st_size == os.fstat(file.fileno()).st_size
    return False


def _is_same(failed: Folder, name: str, file: BinaryIO) -> bool:
    try:
        with failed.open_file(name) as other:
            return contents.are_same(file, other, Never())
    except FileNotFoundError:
        return False


def take_back(inbox: Path) -> None:
    """Retry files that grew after they were moved to `_failed`: they were still being copied. Raises OSError."""
    with suppress(Unavailable), inbox_folder.failed(inbox) as failed, Folder.at(inbox) as root:
        names = _names(failed)
        with_notes = set(names)
        for name in names:
            if _note_of(name) in with_notes and _has_grown(failed, name):
                files.move_to_free_name(failed, name, root, name)
                failed.unlink(_note_of(name))


def _has_grown(failed: Folder, name: str) -> bool:
    note_name = _note_of(name)
    if note_name == name:
        return False
    with suppress(FileNotFoundError):
        file, note = failed.status(name), failed.status(note_name)
        are_files = stat.S_ISREG(file.st_mode) and stat.S_ISREG(note.st_mode)
        return are_files and file.st_mtime > note.st_mtime + _STILL_COPIED_SECONDS
    return False


def keys(inboxes: Iterable[Path]) -> list[str]:
    """A key for each file in `_failed`, by which `clear` finds it again unless it was changed or replaced."""
    return [key for _, _, key in _files(inboxes)]


def clear(inboxes: Iterable[Path], expired: Collection[str]) -> list[Path]:
    """Delete the files in `_failed` with these keys; returns what was deleted."""
    deleted = []
    for failed, path, key in _files(inboxes if expired else ()):
        if key in expired:
            failed.unlink(path.name)
            deleted.append(path)
    return deleted


def _files(inboxes: Iterable[Path]) -> Iterator[tuple[Folder, Path, str]]:
    """The files in `_failed` with their keys, while their folder is open; of one that cannot be read none."""
    for inbox in inboxes:
        with suppress(Unavailable, OSError), inbox_folder.failed(inbox) as failed:
            for name in _names(failed):
                status = failed.status(name)
                path = inbox / FAILED / name
                if not stat.S_ISDIR(status.st_mode):
                    yield failed, path, _key(path, status)


def _names(failed: Folder) -> list[str]:
    """What `_failed` holds, or as much as is kept in mind of it: whoever may write to the inbox may fill it."""
    return sorted(entry.name for entry in islice(failed.entries(), _MOST_NAMES))


def _key(path: Path, status: os.stat_result) -> str:
    identity = f"{status.st_dev} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns} "
    return f"failed:{digest.of_bytes(identity.encode() + os.fsencode(path))}"


def _note_of(name: str) -> str:
    """The note that belongs to a file in `_failed`; its name is cut where it would be too long.

    A text file with the longest name there can be has none: it would have to have the file's own name.
    """
    stem = os.fsencode(name)[: _NAME_BYTES - len(b".txt")]
    return f"{os.fsdecode(stem)}.txt"
