"""The disks that vlogd writes to: are they there, and is there room?

A folder that vlogd has used carries a mark, `.vlogd-volume`, and the state folder remembers which. When
a disk is not mounted, its mount point is an empty folder without the mark: then vlogd waits. It neither
takes an empty folder for an empty library nor fills the disk below the mount point.

All looks touch the disks, so they are made by threads that may stall, never by the deciding one.
"""

import os
import shutil
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

from vlogd.core import files
from vlogd.core.errors import Unavailable

_MARK = ".vlogd-volume"
_KNOWN = "volumes.json"


class Volumes:
    """`folders` maps a name for people ("library") to its folder; `reserve_bytes` stay free on each disk.

    The folders `apart` are needed for some work only, and may be away otherwise: the archive.
    """

    def __init__(
        self,
        state: Path,
        folders: Mapping[str, Path],
        reserve_bytes: int,
        apart: Mapping[str, Path] | None = None,
    ) -> None:
        self._state = state
        self._folders = folders
        self._apart = apart or {}
        self._reserve_bytes = reserve_bytes
        self._marking = threading.Lock()
        self._known = self._remembered()

    def check(self, apart: str = "") -> None:
        """Raise Unavailable when a disk is not mounted. Marks folders that are used for the first time.

        With the name of a folder `apart` that one is meant.
        """
        away = self.away(apart)
        if away is not None:
            raise Unavailable(away)
        for name, folder in self._meant(apart).items():
            if str(folder) not in self._known:
                self._mark(name, folder)

    def away(self, apart: str = "") -> str | None:
        """Why a disk seems not to be mounted; None when all are there. Writes nothing. Raises Unavailable."""
        for name, folder in self._meant(apart).items():
            known = self._known.get(str(folder))
            if known is not None and _mark_of(folder) != known:
                return (
                    f"The {name} folder {folder} is not what it was (its {_MARK} is missing or another): is its disk "
                    f"mounted? vlogd waits. If you emptied it on purpose, remove {self._state / _KNOWN}."
                )
        return None if self._known else self._away_from_a_new_state()

    def _away_from_a_new_state(self) -> str | None:
        """The state folder was lost or is new: then the other folders are all new, or all were used."""
        for name, folder in self._folders.items():
            used = next((other for other in self._folders.values() if _was_used(other)), None)
            if used is not None and _mark_of(folder) is None:
                return (
                    f"The {name} folder {folder} has no {_MARK}, but {used} was used before: is its disk mounted? "
                    f"vlogd waits. If it is to be a new one, make an empty file {folder / _MARK}."
                )
        return None

    def _meant(self, apart: str) -> Mapping[str, Path]:
        return {apart: self._apart[apart]} if apart else self._folders

    def check_room(self, needs: Mapping[str, int]) -> None:
        """Raise Unavailable when a folder's disk has not the bytes that are needed and the reserve.

        `needs` maps a name of the folders, or "state", to bytes.
        """
        for name, wanted in needs.items():
            folder = {**self._folders, **self._apart}.get(name, self._state)
            free = shutil.disk_usage(folder).free
            if wanted and free < wanted + self._reserve_bytes:
                raise Unavailable(
                    f"There is too little room for the next part on the disk of {name} ({folder}): {free >> 20} MiB are free, "
                    f"{(wanted + self._reserve_bytes) >> 20} MiB are needed with the reserve. vlogd goes on when there is room."
                )

    def _remembered(self) -> dict[str, str]:
        try:
            return dict(files.read_json(self._state / _KNOWN))
        except (FileNotFoundError, ValueError):
            return {}

    def _mark(self, name: str, folder: Path) -> None:
        with self._marking:
            try:
                mark = _mark_of(folder)
                if mark is None:
                    mark = uuid.uuid4().hex
                    folder.mkdir(parents=True, exist_ok=True)
                    files.write_whole(
                        folder / _MARK, f"{mark}\nThis is the {name} folder of a vlogd.\n".encode()
                    )
            except OSError as error:
                raise Unavailable(
                    f"The {name} folder {folder} cannot be written: {error.strerror}."
                ) from error
            self._known[str(folder)] = mark
            files.write_json(self._state / _KNOWN, self._known)


def _was_used(folder: Path) -> bool:
    """Whether a vlogd has put more into it than its mark."""
    return _mark_of(folder) is not None and any(entry.name != _MARK for entry in os.scandir(folder))


def _mark_of(folder: Path) -> str | None:
    """The mark in a folder; None when there is none."""
    path = folder / _MARK
    try:
        return None if path.is_symlink() else path.read_text().partition("\n")[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} cannot be read ({error}).") from error
