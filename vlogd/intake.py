"""Claims a settled file: from now on it is ours, and it is an item, a duplicate or a failure.

    <originals>/.incoming/<token>/<file name>    claimed, not yet identified
    <originals>/<item id>/<file name>            accepted, beside `.vlogd-item.json`

1. The file is renamed out of the inbox into a folder of its own (copied, verified and unlinked
   across file systems).
2. It is identified and asked whether it is a video.
3. Its facts are written beside it and the folder is renamed to the item's id: the one commit point.

A crash before 1 leaves it in the inbox; after 1, `recover` goes on with 2 at the next start; a copy
whose source was not unlinked yet is found to be a duplicate of itself. `.vlogd-item.json` is the
truth from which a lost journal is rebuilt.
"""

import errno
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from vlogd import digest, files, media, names
from vlogd.errors import BadInput, Unavailable
from vlogd.inbox import Inbox
from vlogd.model import Item
from vlogd.originals import ITEM, Originals
from vlogd.process import Limits
from vlogd.settle import Sighting
from vlogd.stop import Stop
from vlogd.volumes import Volumes

_INCOMING = ".incoming"
_CLAIM = ".vlogd-claim.json"
_ID_CHARACTERS = 16

_NOTE_SECONDS = 2.0
"""A file in `_failed` that changed so much later than its note was written is still being copied."""


@dataclass(frozen=True)
class Accepted:
    """The file is an item now."""

    path: Path
    item: Item


@dataclass(frozen=True)
class Duplicate:
    """The same bytes were accepted before; the copy was removed."""

    path: Path
    item: Item


@dataclass(frozen=True)
class Failed:
    """The file is no video; it lies at `moved_to` with a note beside it."""

    path: Path
    sentence: str
    moved_to: Path


@dataclass(frozen=True)
class Left:
    """The file stays where it is."""

    path: Path
    inbox: str
    sentence: str


@dataclass(frozen=True)
class Changed:
    """The file changed while it was being taken; it is back in the inbox and settles anew."""

    path: Path


Outcome = Accepted | Duplicate | Failed | Left | Changed


def look(path: Path) -> Sighting | str:
    """A sighting of a regular file, or a sentence that says why the path is none. Opens nothing."""
    found = path.lstat()
    kinds = {
        stat.S_IFLNK: "a symbolic link, and links are not followed; drop the file itself",
        stat.S_IFIFO: "a pipe, not a file",
        stat.S_IFSOCK: "a socket, not a file",
        stat.S_IFCHR: "a device, not a file",
        stat.S_IFBLK: "a device, not a file",
    }
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        return f"It is {kinds.get(kind, 'no regular file')}."
    return Sighting(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


class Intake:
    """Takes files into one originals folder."""

    def __init__(self, originals: Originals, limits: Limits, stop: Stop, volumes: Volumes) -> None:
        self._keeper = originals
        self._originals = originals.root
        self._volumes = volumes
        self._limits = limits
        self._stop = stop

    def take(self, path: Path, inbox: Inbox, expected: Sighting) -> Outcome:
        """Claim and identify `path`. Raises Unavailable (disk full, mount gone) with nothing lost."""
        claimed: Path | None = None
        self._volumes.check()
        if _device(path.parent) != _device(self._originals):
            self._volumes.check_room({"originals": expected.size_bytes})
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
            claimed = self._claim(path, inbox, expected)
            return self._identify(claimed, path, inbox)
        except FileNotFoundError:
            return Changed(path)
        except PermissionError as error:
            return Left(
                path,
                inbox.name,
                f"vlogd may not read or move it ({error.strerror}); correct its permissions.",
            )
        except OSError as error:
            raise Unavailable(f"{path} could not be taken: {error.strerror}.") from error

    def recover(self, inboxes: dict[str, Inbox]) -> Iterator[Outcome]:
        """Go on with what was claimed when vlogd ended, and sweep what never became a claim."""
        for folder in sorted((self._originals / _INCOMING).glob("*")):
            claimed = next((p for p in folder.iterdir() if not p.name.startswith(files.OWN_PREFIX)), None)
            if claimed is None:
                shutil.rmtree(folder)
                continue
            claim = files.read_json(folder / _CLAIM)
            path = Path(claim["path"])
            inbox = inboxes.get(claim["inbox"], Inbox(claim["inbox"], path.parent))
            yield self._identify(claimed, path, inbox)

    def take_back(self, inbox: Inbox) -> None:
        """Give files in `_failed` another chance that grew after they were put there: their copying went on."""
        folder = inbox.folder / names.FAILED
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            note = folder / names.failed_names(path.name)[1]
            judged = note != path and note.is_file() and path.is_file() and not path.is_symlink()
            if judged and path.stat().st_mtime > note.stat().st_mtime + _NOTE_SECONDS:
                _give_back(path, inbox.folder / path.name)
                note.unlink()

    def _claim(self, path: Path, inbox: Inbox, expected: Sighting) -> Path:
        """Move `path` out of the inbox; where it lies then."""
        folder = self._originals / _INCOMING / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            claim = {"inbox": inbox.name, "path": str(path), "accepted_at": round(time.time(), 3)}
            files.write_json(folder / _CLAIM, claim)
            target = folder / path.name
            try:
                path.rename(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy_whole(path, target, expected)
                path.unlink()
        except BaseException:
            if not (folder / path.name).exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
        files.sync_folder(folder)
        files.sync_folder(path.parent)
        if target.stat().st_size != expected.size_bytes:
            _give_back(target, path)
            shutil.rmtree(folder)
            raise FileNotFoundError(path)
        return target

    def _copy_whole(self, source: Path, target: Path, expected: Sighting) -> None:
        """Copy across file systems, read the copy back, and make sure that the source did not move on."""
        copied = files.copy_beside(source, target, self._stop)
        if look(source) != expected or not digest.same_bytes(source, copied, self._stop):
            raise FileNotFoundError(source)
        copied.rename(target)
        files.sync_folder(target.parent)

    def _identify(self, claimed: Path, path: Path, inbox: Inbox) -> Outcome:
        folder = claimed.parent
        identity = digest.identity(claimed)
        known = self._known(identity, claimed)
        if isinstance(known, Item):
            shutil.rmtree(folder)
            return Duplicate(path, known)
        try:
            media.describe(claimed, self._limits, self._stop)
        except BadInput as error:
            moved_to = _put_aside(claimed, inbox.folder / names.FAILED, str(error))
            shutil.rmtree(folder)
            return Failed(path, str(error), moved_to)
        title = names.title_of(claimed.name)
        item = Item(
            id=known,
            title=title,
            slug=names.slug_of(title, known),
            inbox=inbox.name,
            original=f"{known}/{claimed.name}",
            digest=identity,
            size_bytes=claimed.stat().st_size,
            accepted_at=files.read_json(folder / _CLAIM)["accepted_at"],
        )
        files.sync_file(claimed)
        files.write_json(folder / ITEM, asdict(item))
        home = self._originals / known
        if home.exists():  # its original was lost; this is the same file again
            shutil.rmtree(home)
        folder.rename(home)
        files.sync_folder(self._originals)
        (home / _CLAIM).unlink()
        return Accepted(path, item)

    def _known(self, identity: str, claimed: Path) -> Item | str:
        """The item that has these bytes already, or the id for a new one."""
        for candidate in (
            identity,
            digest.of_json([identity, digest.of_file(claimed)]) if self._taken(identity) else "",
        ):
            item_id = candidate[:_ID_CHARACTERS]
            item = self._taken(candidate)
            original = None if item is None else self._keeper.find(item)
            if item is None or original is None:
                return item_id
            if digest.same_bytes(claimed, original, self._stop):
                return item
        raise BadInput("Its content has the same digest as two other files.")  # pragma: no cover

    def _taken(self, identity: str) -> Item | None:
        return self._keeper.item(identity[:_ID_CHARACTERS]) if identity else None


def _device(folder: Path) -> int:
    return folder.stat().st_dev


def _give_back(claimed: Path, path: Path) -> None:
    """Put a file back where it was dropped, beside a newer one of the same name."""
    files.move_whole(claimed, _free(path))


def _put_aside(claimed: Path, folder: Path, sentence: str) -> Path:
    """Move what is no video to the inbox's `_failed`, with a note for the person who dropped it."""
    folder.mkdir(parents=True, exist_ok=True)
    moved_to = _free(folder / claimed.name)
    files.move_whole(claimed, moved_to)
    note = names.failed_names(moved_to.name)[1]
    files.write_whole(folder / note, (sentence + "\n").encode())
    return moved_to


def _free(path: Path) -> Path:
    """`path`, or the same with a number where that name is taken, within 255 bytes."""
    number = 1
    found = path
    while found.exists() or found.is_symlink():
        number += 1
        end = f"-{number}{path.suffix}"
        stem = os.fsencode(path.stem)[: 255 - len(os.fsencode(end))]
        found = path.with_name(os.fsdecode(stem) + end)
    return found
