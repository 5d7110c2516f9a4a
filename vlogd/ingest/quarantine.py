"""An inbox's `_failed`: what is no video lies there, each file with a note for the person who dropped it.

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

_NOTE_SECONDS = 2.0
"""A file in `_failed` that changed so much later than its note says is still being copied."""


def put(claimed: Path, inbox: Path, sentence: str) -> Path:
    """Move what is no video to `_failed`, with its note; where it lies then. Raises Unavailable."""
    folder = inbox / FAILED
    if folder.is_symlink() or not inbox.is_dir():
        raise Unavailable(f"{folder} cannot be used: it is a link, or the inbox is not there.")
    folder.mkdir(exist_ok=True)
    moved_to, note = _free_pair(folder, claimed.name)
    files.move_whole(claimed, moved_to)
    files.write_whole(note, (sentence + "\n").encode())
    seen_ns = max(moved_to.stat().st_mtime_ns, note.stat().st_mtime_ns)  # a camera's clock may be ahead
    os.utime(note, ns=(seen_ns, seen_ns))
    return moved_to


def take_back(inbox: Path) -> None:
    """Give files another chance that grew after they were put aside: their copying went on."""
    folder = inbox / FAILED
    for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
        note = folder / _failed_names(path.name)[1]
        judged = note != path and note.is_file() and path.is_file() and not path.is_symlink()
        if judged and path.stat().st_mtime > note.stat().st_mtime + _NOTE_SECONDS:
            files.move_whole(path, files.free(inbox / path.name))
            note.unlink()


def clear(inboxes: Iterable[Path], seconds: float, now: float | None = None) -> list[Path]:
    """Delete what has lain in `_failed` for longer than that, 0: never; what was deleted."""
    before = (time.time() if now is None else now) - seconds
    gone = []
    for folder in (inbox / FAILED for inbox in inboxes if seconds):
        if folder.is_symlink():
            continue
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in folder.iterdir():
                found = path.lstat()
                if max(found.st_mtime, found.st_ctime) <= before and not path.is_dir():
                    path.unlink()
                    gone.append(path)
    return gone


def _free_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A path for the file and one for its note, neither of which is taken."""
    for path in files.numbered(folder / name):
        note = folder / _failed_names(path.name)[1]
        if not any(os.path.lexists(one) for one in (path, note)):
            return path, note
    raise AssertionError("numbers do not end")  # pragma: no cover


def _failed_names(name: str) -> tuple[str, str]:
    """The name under which a file is put aside and that of its note, both within 255 bytes."""
    raw = name.encode("utf-8", "surrogateescape")
    note = raw[: 255 - len(b".txt")].decode("utf-8", "surrogateescape")
    return name, f"{note}.txt"
