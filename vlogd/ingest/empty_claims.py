"""Removes folders that were made for a claim and never got their file: never a file, also not one that comes just now."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vlogd.core import files

_OLD_SECONDS = 3600.0
"""Longer than anything that is between a claim's folder and its file, except a copy, which changes the folder."""


class EmptyClaims:
    """Used by one thread; `note` is the name of the document in each claim's folder.

    At a start whatever is empty was left by a process that has ended: nobody else has the lease of the folder. Later,
    what has not changed for an hour.
    """

    def __init__(self, note: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._note = note
        self._clock = clock
        self._is_start = True
        self._seen: dict[Path, tuple[object, float]] = {}

    def remove(self, folder: Path) -> None:
        """Remove an empty claim, if it is old. Raises OSError."""
        state = sorted((path.name, path.lstat().st_mtime_ns) for path in folder.iterdir())
        if not self._is_start and not self._is_old(folder, state):
            return
        self._seen.pop(folder, None)
        note = folder / self._note
        for path in folder.iterdir():
            is_folder = path.is_dir() and not path.is_symlink()
            if path != note and path.name.startswith(files.OWN_PREFIX) and not is_folder:
                path.unlink(missing_ok=True)
        content = note.read_bytes() if note.is_file() else None
        note.unlink(missing_ok=True)
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:  # it has a file now, so it needs its note
            if content is not None:
                with suppress(FileExistsError):
                    files.write_new(note, content)

    def start_is_over(self) -> None:
        """From now on only what is old is removed."""
        self._is_start = False

    def _is_old(self, folder: Path, state: object) -> bool:
        now = self._clock()
        if self._seen.get(folder, (None, 0.0))[0] != state:
            self._seen[folder] = (state, now)
        return now - self._seen[folder][1] >= _OLD_SECONDS
