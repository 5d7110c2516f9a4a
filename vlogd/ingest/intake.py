"""Takes a file: it is claimed, identified, and then an item, a duplicate or a failure.

1. The file is claimed (`claims`).
2. It is identified by its content, and ffprobe is asked whether it is a video.
3. The item and ffprobe's description are written beside it, and the folder is renamed to the item's id: the
   commit point. The item's document is the truth from which a lost journal is rebuilt.

What a crash or a missing disk interrupts after 1 is gone on with by `resume`.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from vlogd.core import digest, files, titles
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, Stopping, ToolStalled, Unavailable, VlogdError
from vlogd.core.model import File, Item
from vlogd.ingest import quarantine
from vlogd.ingest.claims import Claim, Claims
from vlogd.ingest.file_state import FileState
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.outcomes import Accepted, Changed, Duplicate, Failed, NotTaken, Outcome
from vlogd.media import description, ffprobe
from vlogd.media.process import Limits
from vlogd.storage.originals import MEDIA, Originals
from vlogd.storage.volumes import Volumes

_ID_CHARACTERS = 16
"""64 bits of a SHA-256: a library of a million videos has a collision with a chance of 1 in 37 million."""

_MOST_STALLS = 3
"""How often ffprobe may stall over one file before the file is blamed and not the disk: it holds up all others."""


class Intake:
    """Takes files into one originals folder. Used by the ingest thread only."""

    def __init__(
        self,
        originals: Originals,
        limits: Limits,
        stop: Stop,
        volumes: Volumes,
        is_leaving: Callable[[str], bool] = lambda _item_id: False,
    ) -> None:
        """`is_leaving(item id)`: whether that item is about to be removed."""
        self._originals = originals
        self._claims = Claims(originals.root, volumes, stop)
        self._volumes = volumes
        self._limits = limits
        self._stop = stop
        self._is_leaving = is_leaving
        self._stalls: Counter[str] = Counter()

    def take(self, path: Path, inbox: Inbox, expected: FileState) -> Outcome:
        """Claim and identify `path`. Raises Unavailable (disk full, mount gone) with nothing lost.

        What goes wrong once the file is claimed is reported as NotTaken: it is safe, and `resume` continues with it.
        """
        self._volumes.check()
        try:
            claim = self._claims.claim(path, inbox, expected)
        except FileNotFoundError:
            return Changed(path)
        except PermissionError as error:
            sentence = f"vlogd may not read or move it ({error.strerror}); correct its permissions."
            return NotTaken(path, inbox.name, sentence)
        except OSError as error:
            raise Unavailable(f"{path} could not be taken: {error.strerror}.") from error
        return self._finish(claim, inbox)

    def resume(self, inboxes: Mapping[str, Inbox]) -> Iterator[Outcome]:
        """Continue with the claims that are not identified yet.

        Raises Unavailable when the originals' disk is away. Trouble with one claim is reported as NotTaken.
        """
        self._volumes.check()
        for claim in self._claims.all(next(iter(inboxes.values()))):
            yield self._finish(claim, inboxes.get(claim.inbox, Inbox(claim.inbox, claim.dropped_as.parent)))

    def _finish(self, claim: Claim, inbox: Inbox) -> Outcome:
        try:
            return self._identify(claim, inbox)
        except Stopping:
            raise
        except ToolStalled as error:
            self._stalls[claim.token] += 1
            if self._stalls[claim.token] >= _MOST_STALLS:
                return _reject(claim, inbox, f"ffprobe stalls over it: {error}")
            return _waits(claim, error)
        except (VlogdError, OSError) as error:
            return _waits(claim, error)

    def _identify(self, claim: Claim, inbox: Inbox) -> Outcome:
        identity = digest.identity(claim.file)
        known = self._known(identity, claim.file)
        if isinstance(known, Item):
            if self._is_leaving(known.id):
                raise Unavailable(f"{known.title} has the same content and is being removed just now.")
            claim.drop()
            return Duplicate(claim.dropped_as, known)
        try:
            media = ffprobe.describe(claim.plain_path(), self._limits, self._stop)
        except BadInput as error:
            return _reject(claim, inbox, str(error))
        item = self._item(known, identity, claim)
        files.sync_file(claim.file)
        description.write(claim.folder / MEDIA, media)
        self._originals.write_item(claim.folder, item)
        home = self._originals.root / known
        if home.exists():  # its original was lost; this is the same file again
            shutil.rmtree(home)
        claim.move_to(home)
        return Accepted(claim.dropped_as, item, media)

    def _item(self, item_id: str, identity: str, claim: Claim) -> Item:
        """The new item, or the one whose original was lost and was dropped again, perhaps under another name."""
        original = f"{item_id}/{claim.file.name}"
        lost = self._originals.item(item_id) or self._originals.item_in(claim.folder, item_id)
        if lost is not None:
            return replace(lost, source=File(original))
        title = titles.title_of(claim.file.name)
        return Item(
            id=item_id,
            title=title,
            slug=titles.slug_of(title, item_id),
            inbox=claim.inbox,
            source=File(original),
            digest=identity,
            size_bytes=claim.file.stat().st_size,
            accepted_at=round(claim.claimed_at, 3),
        )

    def _known(self, identity: str, claimed: Path) -> Item | str:
        """The item with the same bytes, or the id for a new one."""
        for reads_all in (False, True):  # the whole file is read only if another file shares the samples
            candidate = digest.of_json([identity, digest.of_file(claimed)]) if reads_all else identity
            item_id = candidate[:_ID_CHARACTERS]
            item = self._originals.item(item_id)
            original = None if item is None else self._originals.find(item)
            if item is None or original is None:
                return item_id
            if digest.same_bytes(claimed, original, self._stop):
                return item
        raise BadInput("Its content has the same digest as two other files.")  # pragma: no cover


def _reject(claim: Claim, inbox: Inbox, sentence: str) -> Failed:
    moved_to = quarantine.put(claim.file, inbox.folder, sentence)
    claim.drop()
    return Failed(claim.dropped_as, sentence, moved_to)


def _waits(claim: Claim, error: Exception) -> NotTaken:
    sentence = f"It was dropped as {claim.dropped_as} and is safe here, but cannot be processed yet: {error} vlogd will try again."
    return NotTaken(claim.file, claim.inbox, sentence)
