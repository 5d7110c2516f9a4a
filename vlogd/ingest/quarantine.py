"""An inbox's `_failed` folder: files that are not videos, each with a note for the person who dropped it.

<inbox>/_failed/<file name>        what could not be taken
<inbox>/_failed/<file name>.txt    why, in a sentence
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from vlogd.core import files
from vlogd.core.errors import Unavailable
from vlogd.ingest.ignored_names import FAILED

_STILL_COPIED_SECONDS = 2.0
"""A file in `_failed` whose modification time is so much later than its note's is still being copied."""

_NAME_BYTES = 255
"""The longest name that Linux file systems take (NAME_MAX, limits.h)."""


def put(claimed: Path, inbox: Path, sentence: str) -> Path:
    """Move what is not a video to `_failed`, with its note; returns its new path. Replaces nothing. Raises Unavailable."""
    folder = inbox / FAILED
    if folder.is_symlink() or not inbox.is_dir():
        raise Unavailable(f"{folder} cannot be used: it is a link, or the inbox is not there.")
    folder.mkdir(exist_ok=True)
    for target in files.numbered(folder / claimed.name):
        note = _note_of(target)
        if any(map(os.path.lexists, (target, note))):
            continue
        with suppress(FileExistsError):
            files.move_new(claimed, target)
            break
    _write_note(note, sentence, target)
    return target


def _write_note(note: Path, sentence: str, target: Path) -> None:
    """The note gets the file's own time if that is later: a camera's clock may be ahead."""
    with suppress(FileExistsError):  # somebody put a file of that name there: the sentence is in the log, too
        files.write_new(note, f"{sentence}\n".encode())
        newest_ns = max(target.stat().st_mtime_ns, note.stat().st_mtime_ns)
        os.utime(note, ns=(newest_ns, newest_ns))


def take_back(inbox: Path) -> None:
    """Retry files that grew after they were moved to `_failed`: they were still being copied."""
    folder = inbox / FAILED
    for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
        note = _note_of(path)
        has_note = note != path and note.is_file() and path.is_file() and not path.is_symlink()
        if has_note and path.stat().st_mtime > note.stat().st_mtime + _STILL_COPIED_SECONDS:
            files.move_to_free_name(path, inbox / path.name)
            note.unlink()


def clear(inboxes: Iterable[Path], seconds: float, now: float | None = None) -> list[Path]:
    """Delete what has been in `_failed` for longer than `seconds` (0: never); returns what was deleted."""
    before = (time.time() if now is None else now) - seconds
    deleted = []
    for folder in (inbox / FAILED for inbox in inboxes if seconds):
        if folder.is_symlink():
            continue
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in folder.iterdir():
                status = path.lstat()
                if max(status.st_mtime, status.st_ctime) <= before and not path.is_dir():
                    path.unlink()
                    deleted.append(path)
    return deleted


def _note_of(path: Path) -> Path:
    """The note that belongs to a file in `_failed`; its name is cut where it would be too long."""
    stem = os.fsencode(path.name)[: _NAME_BYTES - len(b".txt")]
    return path.with_name(f"{os.fsdecode(stem)}.txt")
