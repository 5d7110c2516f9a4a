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
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from vlogd.core import digest, files, titles
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, Stopping, ToolStalled, Unavailable, VlogdError
from vlogd.core.model import Item
from vlogd.ingest import quarantine
from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.outcomes import Accepted, Changed, Duplicate, Failed, Left, Outcome
from vlogd.ingest.stability import Sighting
from vlogd.media import ffprobe
from vlogd.media.process import Limits
from vlogd.storage.originals import ITEM, Originals
from vlogd.storage.volumes import Volumes

_INCOMING = ".incoming"
_CLAIM = ".vlogd-claim.json"
_ID_CHARACTERS = 16

_MOST_STALLS = 3
"""How often ffprobe may stand still over one file before the file is blamed and not the disk: it holds up all others."""


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

    def __init__(
        self,
        originals: Originals,
        limits: Limits,
        stop: Stop,
        volumes: Volumes,
        is_leaving: Callable[[str], bool] = lambda _item_id: False,
    ) -> None:
        """`is_leaving(item id)`: whether somebody asked for that item to be removed."""
        self._is_leaving = is_leaving
        self._stalls: Counter[str] = Counter()
        self._keeper = originals
        self._originals = originals.root
        self._volumes = volumes
        self._limits = limits
        self._stop = stop

    def take(self, path: Path, inbox: Inbox, expected: Sighting) -> Outcome:
        """Claim and identify `path`. Raises Unavailable (disk full, mount gone) with nothing lost.

        What goes wrong once it is claimed is told as Left: it lies safe, and `recover` goes on with it.
        """
        self._volumes.check()
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
            claimed = self._claim(path, inbox, expected)
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
        return self._go_on(claimed, path, inbox)

    def recover(self, inboxes: dict[str, Inbox]) -> Iterator[Outcome]:
        """Go on with what is claimed and not identified, and sweep what never became a claim.

        Raises Unavailable when the originals' disk is away. Trouble with one claim is told as Left.
        """
        self._volumes.check()
        for folder in sorted((self._originals / _INCOMING).glob("*")):
            claimed = next((p for p in folder.iterdir() if not p.name.startswith(files.OWN_PREFIX)), None)
            if claimed is None:
                shutil.rmtree(folder)
                continue
            inbox = next(iter(inboxes.values()))
            path = inbox.folder / claimed.name
            with suppress(OSError, ValueError, KeyError):  # a damaged claim: its file counts all the same
                claim = files.read_json(folder / _CLAIM)
                path = Path(claim["path"])
                inbox = inboxes.get(claim["inbox"], Inbox(claim["inbox"], path.parent))
            yield self._go_on(claimed, path, inbox)

    def _go_on(self, claimed: Path, path: Path, inbox: Inbox) -> Outcome:
        try:
            return self._identify(claimed, path, inbox)
        except Stopping:
            raise
        except ToolStalled as error:
            token = claimed.parent.name
            self._stalls[token] += 1
            if self._stalls[token] >= _MOST_STALLS:
                return self._put_aside(claimed, path, inbox, f"ffprobe stands still over it: {error}")
            return _waits(claimed, path, inbox, error)
        except (VlogdError, OSError) as error:
            return _waits(claimed, path, inbox, error)

    def _put_aside(self, claimed: Path, path: Path, inbox: Inbox, sentence: str) -> Failed:
        moved_to = quarantine.put(claimed, inbox.folder, sentence)
        shutil.rmtree(claimed.parent)
        return Failed(path, sentence, moved_to)

    def _claim(self, path: Path, inbox: Inbox, expected: Sighting) -> Path:
        """Move `path` out of the inbox; where it lies then."""
        folder = self._originals / _INCOMING / uuid.uuid4().hex
        folder.mkdir(parents=True)
        target = folder / path.name
        try:
            claim = {"inbox": inbox.name, "path": str(path), "accepted_at": round(time.time(), 3)}
            files.write_json(folder / _CLAIM, claim)
            try:
                path.rename(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._copy_whole(path, target, expected)
            else:
                _keep_if_unchanged(target, path, expected)
        except BaseException:
            if not target.exists():  # else it is the only copy: `recover` goes on with it
                shutil.rmtree(folder, ignore_errors=True)
            raise
        files.sync_folder(folder)
        with suppress(FileNotFoundError):  # whoever dropped it may have removed its folder since
            files.sync_folder(path.parent)
        return target

    def _copy_whole(self, source: Path, target: Path, expected: Sighting) -> None:
        """Move across file systems: copy, read the copy back, and make sure that the source did not move on."""
        if not os.access(source.parent, os.W_OK | os.X_OK):  # do not copy what could not be removed then
            raise PermissionError(errno.EACCES, "its folder may not be written")
        self._volumes.check_room({"originals": expected.size_bytes})
        copied = files.copy_beside(source, target, self._stop)
        same = digest.same_bytes(source, copied, self._stop)
        if not same or look(source) != expected or is_open_for_writing(source):
            raise FileNotFoundError(source)
        try:
            copied.rename(target)
            files.sync_folder(target.parent)
            source.unlink()
        except OSError:
            if look(source) == expected:  # a file server may have removed it and said that it failed
                target.unlink(missing_ok=True)
            raise

    def _identify(self, claimed: Path, path: Path, inbox: Inbox) -> Outcome:
        folder = claimed.parent
        identity = digest.identity(claimed)
        known = self._known(identity, claimed)
        if isinstance(known, Item):
            if self._is_leaving(known.id):
                raise Unavailable(f"{known.title} has the same content and is being removed just now.")
            shutil.rmtree(folder)
            return Duplicate(path, known)
        try:
            ffprobe.describe(claimed, self._limits, self._stop)
        except BadInput as error:
            return self._put_aside(claimed, path, inbox, str(error))
        item = self._item(known, identity, claimed, inbox)
        files.sync_file(claimed)
        files.write_json(folder / ITEM, asdict(item))
        home = self._originals / known
        if home.exists():  # its original was lost; this is the same file again
            shutil.rmtree(home)
        folder.rename(home)
        files.sync_folder(self._originals)
        (home / _CLAIM).unlink(missing_ok=True)
        return Accepted(path, item)

    def _item(self, item_id: str, identity: str, claimed: Path, inbox: Inbox) -> Item:
        """The new item, or the one whose original was lost and is here again, maybe under another name."""
        lost = self._keeper.item(item_id)
        if lost is not None:
            return replace(lost, original=f"{item_id}/{claimed.name}")
        accepted_at = time.time()
        with suppress(OSError, ValueError, KeyError):
            accepted_at = files.read_json(claimed.parent / _CLAIM)["accepted_at"]
        title = titles.title_of(claimed.name)
        return Item(
            id=item_id,
            title=title,
            slug=titles.slug_of(title, item_id),
            inbox=inbox.name,
            original=f"{item_id}/{claimed.name}",
            digest=identity,
            size_bytes=claimed.stat().st_size,
            accepted_at=round(accepted_at, 3),
        )

    def _known(self, identity: str, claimed: Path) -> Item | str:
        """The item that has these bytes already, or the id for a new one."""
        for look_closer in (False, True):  # the whole file is read only if another one shares the samples
            candidate = digest.of_json([identity, digest.of_file(claimed)]) if look_closer else identity
            item_id = candidate[:_ID_CHARACTERS]
            item = self._keeper.item(item_id)
            original = None if item is None else self._keeper.find(item)
            if item is None or original is None:
                return item_id
            if digest.same_bytes(claimed, original, self._stop):
                return item
        raise BadInput("Its content has the same digest as two other files.")  # pragma: no cover


def _waits(claimed: Path, path: Path, inbox: Inbox, error: Exception) -> Left:
    why = (
        f"It was dropped as {path} and lies safe here, but cannot be taken up yet: {error} vlogd tries again."
    )
    return Left(claimed, inbox.name, why)


def _keep_if_unchanged(target: Path, path: Path, expected: Sighting) -> None:
    """Put a file that was renamed back where it was dropped if somebody went on with it in the last moment.

    Nobody can open it by its old name any more, so this is the last look. Raises FileNotFoundError then.
    """
    if look(target) == expected and not is_open_for_writing(target):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    target.rename(files.free(path))
    files.sync_folder(path.parent)
    raise FileNotFoundError(path)
