"""Claims: the one place where a dropped path becomes a file of ours.

    <originals>/.incoming/<token>/<file name>          claimed, not identified yet
    <originals>/.incoming/<token>/.vlogd-claim.json    where it was dropped

A file is claimed by a rename out of the inbox into a folder of its own; across file systems it is copied, the copy is
read back, and the source is unlinked. A crash before that leaves the file in the inbox; after it, the claim is
found again by `Claims.all`. A copy whose source was not unlinked yet turns out to be a duplicate of itself.
"""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import VlogdError
from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.empty_claims import EmptyClaims
from vlogd.ingest.file_state import FileState, is_unchanged
from vlogd.ingest.inbox import Inbox
from vlogd.storage.volumes import Volumes

_INCOMING = ".incoming"
_NOTE = ".vlogd-claim.json"
_LINK = f"{files.OWN_PREFIX}original"


@dataclass(frozen=True)
class _Note:
    """Where a claimed file was dropped, and when it was claimed (epoch seconds)."""

    inbox: str
    path: str
    accepted_at: float


_DOCUMENT = DocumentFormat.of("the note of a claimed file", _Note)


@dataclass(frozen=True)
class Claim:
    """A claimed file. `dropped_as` is its path in the inbox; `claimed_at` is in epoch seconds."""

    file: Path
    dropped_as: Path
    inbox: str
    claimed_at: float

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

    def move_to(self, home: Path) -> None:
        """Rename the claim's folder, with its content, to `home`: from then on it is not a claim."""
        (self.folder / _LINK).unlink(missing_ok=True)
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

        Whatever is raised, the file is still, or again, in the inbox, or is found by `all`.
        """
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))  # may we read it at all?
        folder = self._root / uuid.uuid4().hex
        folder.mkdir(parents=True)
        target = folder / path.name
        now = round(time.time(), 3)
        try:
            _DOCUMENT.write(folder / _NOTE, _Note(inbox.name, str(path), now))
            self._move(path, target, expected)
        except BaseException:
            if not target.exists():  # otherwise it is the only copy: `all` finds it
                shutil.rmtree(folder, ignore_errors=True)
            raise
        files.sync_folder(folder)
        with suppress(FileNotFoundError):  # the folder that held it may be gone by now
            files.sync_folder(path.parent)
        return Claim(target, path, inbox.name, now)

    def all(self, fallback: Inbox) -> Iterator[Claim]:
        """Claims that are not identified yet. Old folders that never became a claim are removed.

        A file whose note is lost counts as dropped into `fallback`. Raises OSError.
        """
        for folder in sorted(self._root.glob("*")):
            names = [entry for entry in folder.iterdir() if not entry.name.startswith(files.OWN_PREFIX)]
            if not names:
                self._empty.remove(folder)
                continue
            try:
                note = _DOCUMENT.read(folder / _NOTE).value
            except (FileNotFoundError, VlogdError):
                note = _Note(fallback.name, str(fallback.folder / names[0].name), round(time.time(), 3))
            yield Claim(names[0], Path(note.path), note.inbox, note.accepted_at)
        self._empty.start_is_over()

    def _move(self, path: Path, target: Path, expected: FileState) -> None:
        try:
            path.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy(path, target, expected)
        else:
            _put_back_if_changed(target, path, expected)

    def _copy(self, source: Path, target: Path, expected: FileState) -> None:
        """Move across file systems: copy, read the copy back, make sure that the source did not change, unlink it."""
        if not os.access(
            source.parent, os.W_OK | os.X_OK
        ):  # do not copy what could not be removed afterwards
            raise PermissionError(errno.EACCES, "its folder may not be written")
        self._volumes.check_room({"originals": expected.size_bytes})
        copied = files.copy_beside(source, target, self._stop)
        is_same = digest.same_bytes(source, copied, self._stop)
        if not is_same or not is_unchanged(source, expected) or is_open_for_writing(source):
            raise FileNotFoundError(source)
        try:
            copied.rename(target)
            files.sync_folder(target.parent)
            source.unlink()
        except OSError:
            if is_unchanged(source, expected):  # a file server may have removed it and reported a failure
                target.unlink(missing_ok=True)
            raise


def _put_back_if_changed(target: Path, path: Path, expected: FileState) -> None:
    """Return a renamed file to where it was dropped if somebody modified it at the last moment.

    Nobody can open it by its old name any more, so this is the last look. Raises FileNotFoundError then.
    """
    if is_unchanged(target, expected) and not is_open_for_writing(target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    files.move_to_free_name(target, path)
    raise FileNotFoundError(path)
