"""The disks that vlogd writes to: are they there, and is there room?

A folder that vlogd has used carries a mark, `.vlogd-volume`, and the state folder remembers which. When
a disk is not mounted, its mount point is an empty folder without the mark: then vlogd waits. It neither
mistakes an empty folder for an empty library nor fills the disk below the mount point. A folder that another vlogd uses,
or a library that belongs to other originals, is waited for in the same way.

Every check touches the disks, so it is made by threads that may stall, never by the deciding one.
"""

import shutil
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlogd.core import files
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Malformed, NewerFormat, Unavailable
from vlogd.storage import library_owner
from vlogd.storage.lease import Lease
from vlogd.storage.tree import Tree

_MARK = ".vlogd-volume"
_KNOWN = "volumes.json"

_KNOWN_MARKS: DocumentFormat[Mapping[str, str]] = DocumentFormat(
    "the marks of known folders",
    lambda content: {folder: str(mark) for folder, mark in content.items()},
    lambda marks: marks,
)
"""Folders, as absolute paths, and their marks."""

_MARK_BYTES = 4096
"""The most that is read of a mark, which has one line of 32 characters and one for people."""


class Volumes:
    """`folders` maps a name for people ("library") to its folder; `reserve_bytes` stay free on each disk.

    The `optional` folders are needed for some work only, and may be missing otherwise: the archive. `leases` are those of
    the folders that only one vlogd may use. All methods raise Unavailable when a disk cannot be read.
    """

    def __init__(
        self,
        state: Path,
        folders: Mapping[str, Path],
        reserve_bytes: int,
        optional: Mapping[str, Path] | None = None,
        leases: Sequence[Lease] = (),
    ) -> None:
        self._state = state
        self._folders = folders
        self._optional = optional or {}
        self._leases = leases
        self._reserve_bytes = reserve_bytes
        self._marking = threading.Lock()
        self._owns_library = False
        self._known = self._read_known()

    def check(self, optional: str = "") -> None:
        """Raise Unavailable when a disk is not mounted, or used by another vlogd. Marks folders that are used for the first time.

        Takes the leases that this process does not have. With the name of an `optional` folder, only that one is checked.
        """
        problem = self.problem(optional)
        if problem is not None:
            raise Unavailable(problem)
        for name, folder in self._selected(optional).items():
            if not self._known.get(str(folder)):
                self._mark(name, folder)
        if not optional:
            self._take_leases()

    def close(self) -> None:
        """Leave the folders to others. May wait for the disks."""
        for lease in self._leases:
            lease.close()

    def _take_leases(self) -> None:
        for lease in self._leases:
            lease.check()
        if self._leases and not self._owns_library:
            try:
                library_owner.claim(*self._library_and_originals(), self._mark_of_originals())
            except OSError as error:
                raise Unavailable(
                    f"The library folder {self._folders['library']} cannot be written: {error.strerror}."
                ) from error
            self._owns_library = True

    def problem(self, optional: str = "") -> str | None:
        """Why a disk seems not to be mounted, in a sentence; None when all are there. Writes nothing."""
        for name, folder in self._selected(optional).items():
            known, mark = self._known.get(str(folder)), _mark_of(folder)
            if mark and (twin := self._twin(folder, mark)):
                return (
                    f"The {name} folder {folder} and {twin} have the same {_MARK}, so they may be one folder on one disk. "
                    f"vlogd waits. If {folder} is a copy that was made with that file, remove the file there."
                )
            if known is not None and (mark is None or known not in (mark, "")):
                return (
                    f"The {name} folder {folder} is not the one that vlogd used before (its {_MARK} is missing or "
                    f"different): is its disk mounted? vlogd waits. If you emptied it on purpose, remove {self._state / _KNOWN}."
                )
        problem = None if self._known else self._problem_of_a_new_state()
        return problem or (None if optional or self._owns_library else self._problem_of_the_library())

    def _problem_of_a_new_state(self) -> str | None:
        """The state folder was lost or is new: then either all other folders are new, or all were used."""
        used = next((folder for folder in self._folders.values() if _was_used(folder)), None)
        for name, folder in self._folders.items():
            if used is not None and _mark_of(folder) is None:
                problem = f"The {name} folder {folder} has no {_MARK}, but {used} was used before: is its disk mounted? vlogd waits. "
                if name == "originals":
                    return problem + (
                        f"If these originals are meant to be new, configure a library of their own. Only if the earlier ones "
                        f"are lost for good, create an empty file {folder / _MARK}: what is published stays."
                    )
                return problem + f"If it is meant to be new, create an empty file {folder / _MARK}."
        return None

    def _twin(self, folder: Path, mark: str) -> Path | None:
        """Another folder in use with the same mark: one that a second mount shows, such as NFS from this machine."""
        others = {*self._folders.values(), *self._optional.values()} - {folder}
        return next((other for other in others if self._known.get(str(other)) == mark), None)

    def _problem_of_the_library(self) -> str | None:
        """It belongs to the originals that it was first used with."""
        if not {"originals", "library"} <= self._folders.keys():
            return None
        library, originals = self._library_and_originals()
        document = library_owner.document_of(library)
        try:
            owner = library_owner.stranger(library, self._mark_of_originals())
        except (OSError, Malformed, NewerFormat) as error:
            return f"{document} cannot be read, which says to which originals the library belongs: {error}"
        if owner is None:
            return None
        return (
            f"The library folder {library} belongs to other originals ({owner}), not to {originals}. Configure a library "
            f"of its own for these originals, or those originals. Only if those are lost for good and these take their "
            f"place, remove {document}: what is published stays."
        )

    def _library_and_originals(self) -> tuple[Path, Path]:
        return self._folders["library"], self._folders["originals"]

    def _mark_of_originals(self) -> str:
        return _mark_of(self._folders["originals"]) or ""

    def _selected(self, optional: str) -> Mapping[str, Path]:
        return {optional: self._optional[optional]} if optional else self._folders

    def check_room(self, needs: Mapping[str, int]) -> None:
        """Raise Unavailable when a folder's disk lacks the bytes that are needed on top of the reserve.

        `needs` maps the name of a folder, or "state", to bytes.
        """
        for name, needed_bytes in needs.items():
            folder = {**self._folders, **self._optional}.get(name, self._state)
            free_bytes = shutil.disk_usage(folder).free
            if needed_bytes and free_bytes < needed_bytes + self._reserve_bytes:
                raise Unavailable(
                    f"There is too little room for the next part on the disk of {name} ({folder}): {free_bytes >> 20} MiB are "
                    f"free, {(needed_bytes + self._reserve_bytes) >> 20} MiB are needed with the reserve. vlogd continues "
                    "when there is room."
                )

    def _read_known(self) -> dict[str, str]:
        try:
            document = Tree(self._state).read(_KNOWN_MARKS, _KNOWN)
            return {} if document is None else dict(document.value)
        except Malformed:  # as good as lost: the folders' own marks show whether they were used
            return {}

    def _mark(self, name: str, folder: Path) -> None:
        with self._marking:
            try:
                mark = _mark_of(folder)
                if not mark:
                    mark = uuid.uuid4().hex
                    text = f"{mark}\nThis is the {name} folder of a vlogd.\n"
                    Tree(folder).write_bytes(_MARK, text.encode())
            except OSError as error:
                raise Unavailable(
                    f"The {name} folder {folder} cannot be written: {error.strerror}."
                ) from error
            self._known[str(folder)] = mark
            Tree(self._state).write(_KNOWN_MARKS, _KNOWN, self._known)


def _was_used(folder: Path) -> bool:
    """Whether the folder is marked and holds more than files of vlogd's own."""
    names = Tree(folder).names(hidden=True)
    return _mark_of(folder) is not None and any(not name.startswith(files.OWN_PREFIX) for name in names)


def _mark_of(folder: Path) -> str | None:
    """The mark in a folder; None when there is none."""
    try:
        data = Tree(folder).read_start(_MARK, _MARK_BYTES)
        return None if data is None else data.decode().partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"{folder / _MARK} cannot be read ({error}).") from error
