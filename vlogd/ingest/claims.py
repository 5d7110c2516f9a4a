"""Claims: the one place where a dropped path becomes a file of ours.

    <originals>/.incoming/<token>/<file name>          claimed, not identified yet
    <originals>/.incoming/<token>/.vlogd-claim.json    where it was dropped

A file is claimed by a rename out of the inbox into a folder of its own; across file systems it is copied, the copy is
read back, and the source is unlinked. A crash before that leaves the file in the inbox; after it, the claim is
found again by `Claims.all`. A copy whose source was not unlinked yet turns out to be a duplicate of itself.
`ownership` then makes the file vlogd's own.
"""

import errno
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from vlogd.core import files
from vlogd.core.cancellation import Stop
from vlogd.core.descriptors import Folder
from vlogd.core.documents import Document, DocumentFormat
from vlogd.core.errors import BadInput, Malformed, NewerFormat, VlogdError
from vlogd.ingest import inbox_folder, ownership, sparse
from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.empty_claims import EmptyClaims
from vlogd.ingest.file_state import FileState, file_state, is_unchanged, state_of
from vlogd.ingest.inbox import Inbox
from vlogd.storage.volumes import Volumes

_INCOMING = ".incoming"
_NOTE = ".vlogd-claim.json"
_LINK = f"{files.OWN_PREFIX}original"

_PRIVATE = 0o700
"""Of the originals folder where vlogd makes it, and of the folder with the claims."""

_ITEMS = 0o755
"""Of an item's folder: whom the originals folder lets in may read, and none but vlogd may write."""


@dataclass(frozen=True)
class _Note:
    """Where a claimed file was dropped, when it was claimed (epoch seconds), and its owner and permissions then.

    `folder` is the inbox's own: of the path only that cannot be exchanged by who may write to the inbox. `refused` is the
    sentence why it is no video, with what ffprobe printed, while it cannot be put into `_failed`.
    """

    inbox: str
    path: str
    accepted_at: float
    owner: int | None = None
    mode: int | None = None
    folder: str | None = None
    refused: str | None = None
    tool_output: tuple[str, ...] = ()


_DOCUMENT = DocumentFormat.of("the note of a claimed file", _Note)


@dataclass(frozen=True)
class Claim:
    """A claimed file. `dropped_as` is its path in the inbox, whose folder was `inbox_folder`; `claimed_at` is in epoch seconds.

    `refused`: why it is no video, as far as that was noted.
    """

    file: Path
    dropped_as: Path
    inbox: str
    claimed_at: float
    inbox_folder: Path | None = None
    refused: BadInput | None = None

    @property
    def folder(self) -> Path:
        """This claim's own folder."""
        return self.file.parent

    @property
    def token(self) -> str:
        """Identifies this claim among all."""
        return self.folder.name

    def plain_path(self) -> Path:
        """The file under a name without an extension, as the stages see it: tools guess formats by extensions too."""
        link = self.folder / _LINK
        with suppress(FileExistsError):
            link.symlink_to(self.file.name)
        return link

    def as_dropped(self) -> Path:
        """The file with the owner and the permissions that it was dropped with, as far as possible. Raises OSError.

        Its dropper may have made it unreadable by now; then it is the copy.
        """
        dropped = self.folder / ownership.DROPPED / self.file.name
        if os.access(dropped, os.R_OK):
            return dropped
        with suppress(FileNotFoundError, VlogdError):
            note = _DOCUMENT.read(self.folder / _NOTE).value
            if note.owner is not None and note.mode is not None:
                with Folder.at(self.folder) as folder, folder.open_file(self.file.name) as file:
                    ownership.give_back(file, note.owner, note.mode)
        return self.file

    def note_refusal(self, error: BadInput) -> None:
        """Note why it is no video, as far as that is possible: after a restart it is known still."""
        path = self.folder / _NOTE
        with suppress(OSError, NewerFormat):
            try:
                noted = _DOCUMENT.read(path)
            except (FileNotFoundError, Malformed):
                folder = None if self.inbox_folder is None else str(self.inbox_folder)
                noted = Document(_Note(self.inbox, str(self.dropped_as), self.claimed_at, folder=folder))
            refused = replace(noted.value, refused=str(error), tool_output=error.stderr_tail)
            _DOCUMENT.write(path, refused, noted.unknown)

    def move_to(self, home: Path) -> None:
        """Rename the claim's folder, with its content, to `home`: from then on it is not a claim."""
        (self.folder / _LINK).unlink(missing_ok=True)
        ownership.forget_dropped(self.folder)
        self.folder.rename(home)
        files.sync_folder(home.parent)
        (home / _NOTE).unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove the claim with its remaining content."""
        shutil.rmtree(self.folder)


class Claims:
    """The claimed files of one originals folder."""

    def __init__(self, originals: Path, volumes: Volumes, stop: Stop) -> None:
        self._root = originals / _INCOMING
        self._volumes = volumes
        self._stop = stop
        self._empty = EmptyClaims(_NOTE)

    def claim(self, path: Path, inbox: Inbox, expected: FileState) -> Claim:
        """Move `path` out of its inbox. Raises FileNotFoundError when it is gone or changed, OSError, Unavailable.

        Raises BadInput when it must not be taken. Whatever is raised, the file is still, or again, in the inbox, or is
        found by `all`.
        """
        with inbox_folder.entry(inbox.folder, path) as source, source.folder.open_file(source.name) as file:
            if not is_unchanged(file, expected):
                raise FileNotFoundError(path)
            if ownership.is_private_link(file, source.folder):
                raise BadInput(
                    "It is another name (a hard link) of a file that not everybody may read who can put files here, and is "
                    "not taken; drop a copy of your own."
                )
            if sparse.is_mostly_holes(file):
                raise BadInput(
                    "It is a large file and mostly holes (sparse), as no whole film is, and is not taken. Perhaps a "
                    "download is not finished; if it is, copy the file without holes (`cp --sparse=never`)."
                )
            return self._claim(source, file, inbox, path)

    def make_own(self, claim: Claim) -> None:
        """Make the claimed file vlogd's own. Raises FileNotFoundError when it is to be put back; OSError, VlogdError."""
        with Folder.at(claim.folder) as folder:
            ownership.make_own(folder, claim.file.name, self._stop, self._check_room)

    def put_back(self, claim: Claim, inbox: Inbox) -> None:
        """Return a file that changed to where it was dropped. Raises OSError when that cannot be: it stays claimed."""
        with Folder.at(claim.folder) as folder:
            _put_back(folder, claim.file.name, inbox.folder, claim.dropped_as)
        claim.drop()

    def all(self, fallback: Inbox) -> Iterator[Claim]:
        """Claims that are not identified yet. Old folders that never became a claim are removed.

        A file whose note is lost counts as dropped into `fallback`. Raises OSError.
        """
        for folder in sorted(self._root.glob("*")):
            with suppress(NotADirectoryError):
                claim = self._in(folder, fallback)
                if claim is not None:
                    yield claim
        self._empty.start_is_over()

    def _in(self, folder: Path, fallback: Inbox) -> Claim | None:
        """The claim in a folder, None when there is none in it."""
        with Folder.at(folder) as opened:
            ownership.recover(opened)
            names = [e.name for e in opened.entries() if not e.name.startswith(files.OWN_PREFIX)]
        if not names:
            self._empty.remove(folder)
            return None
        try:
            note = _DOCUMENT.read(folder / _NOTE).value
        except (FileNotFoundError, VlogdError):
            note = _Note(fallback.name, str(fallback.folder / names[0]), round(time.time(), 3))
        inbox = None if note.folder is None else Path(note.folder)
        refused = None if note.refused is None else BadInput(note.refused, note.tool_output)
        return Claim(folder / names[0], Path(note.path), note.inbox, note.accepted_at, inbox, refused)

    def _claim(self, source: inbox_folder.Entry, file: BinaryIO, inbox: Inbox, path: Path) -> Claim:
        status = os.fstat(file.fileno())
        note = _Note(
            inbox.name, str(path), round(time.time(), 3), status.st_uid, stat.S_IMODE(status.st_mode), str(inbox.folder)
        )  # fmt: skip
        folder = self._new_folder()
        with Folder.at(folder) as target:
            try:
                _DOCUMENT.write(folder / _NOTE, note)
                self._move(source, file, target, inbox.folder, path)
            except BaseException:
                if not target.has(source.name):  # otherwise it is the only copy: `all` finds it
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            target.sync()
            source.folder.sync()
        return Claim(folder / source.name, path, inbox.name, note.accepted_at, inbox.folder)

    def _new_folder(self) -> Path:
        """A new folder for a claim. Only vlogd may look into them, where the file system knows permissions."""
        for place in (self._root.parent, self._root):
            place.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        if stat.S_IMODE(self._root.stat().st_mode) != _PRIVATE:
            with suppress(PermissionError):
                self._root.chmod(_PRIVATE)
        folder = self._root / uuid.uuid4().hex
        folder.mkdir(mode=_ITEMS)
        return folder

    def _move(
        self, source: inbox_folder.Entry, file: BinaryIO, target: Folder, inbox: Path, path: Path
    ) -> None:
        expected = state_of(os.fstat(file.fileno()))
        try:
            source.folder.rename(source.name, target, source.name)  # which is vlogd's alone, and empty
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy(source, file, target)
            return
        moved = file_state(target.status(source.name))
        if moved != expected or is_open_for_writing(file):  # nobody can open it by its old name any more
            _put_back(target, source.name, inbox, path)
            raise FileNotFoundError(path)

    def _copy(self, source: inbox_folder.Entry, file: BinaryIO, target: Folder) -> None:
        """Move across file systems: copy, read the copy back, make sure that the source did not change, unlink it."""
        if not source.folder.is_writable():  # do not copy what could not be removed afterwards
            raise PermissionError(errno.EACCES, "its folder may not be written")
        if source.folder.keeps(os.fstat(file.fileno())):
            raise PermissionError(errno.EPERM, "its folder lets only its owner remove it (sticky bit)")
        expected = state_of(os.fstat(file.fileno()))
        ownership.copy_in(file, expected, target, source.name, self._stop, self._check_room)
        if not _is_there(source, expected):  # the dropper moved it on, or put another one in its place
            target.unlink(source.name)
            raise FileNotFoundError(source.name)
        try:
            source.folder.unlink(source.name)
        except OSError:
            if _is_there(source, expected):  # a file server may have removed it and reported a failure
                target.unlink(source.name)
            raise

    def _check_room(self, size_bytes: int) -> None:
        self._volumes.check_room({"originals": size_bytes})


def _is_there(source: inbox_folder.Entry, expected: FileState) -> bool:
    try:
        return file_state(source.folder.status(source.name)) == expected
    except OSError:
        return False


def _put_back(folder: Folder, name: str, inbox: Path, path: Path) -> None:
    """Raises OSError; the file stays where it is then, to be found by `Claims.all`."""
    inbox_folder.put_back(folder, name, inbox, path)
    folder.sync()
