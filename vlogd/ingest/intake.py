"""Takes a file: it is claimed, identified, and then an item, a duplicate or a failure.

1. The file is claimed (`claims`).
2. It is identified by its content (`matching`), and ffprobe is asked whether it is a video.
3. The item and ffprobe's description are written beside it, and the folder is renamed to the item's id: the
   commit point. The item's document is the truth from which a lost journal is rebuilt.

What a crash or a missing disk interrupts after 1 is gone on with by `resume`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from vlogd.core import files, titles
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, Stopping, ToolStalled, Unavailable, VlogdError
from vlogd.core.model import File, Item
from vlogd.ingest import quarantine
from vlogd.ingest.claims import Claim, Claims
from vlogd.ingest.file_state import FileState
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.matching import Match, Matching
from vlogd.ingest.outcomes import Accepted, Changed, Duplicate, Failed, NotTaken, Outcome
from vlogd.media import description, ffprobe, refusals
from vlogd.media.process import Limits
from vlogd.storage import set_aside
from vlogd.storage.original_notes import MEDIA
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

_MOST_STALLS = 3
"""How often ffprobe may stall over one file before the file is blamed and not the disk: it holds up all others."""

_MOST_CPU_SECONDS = 60
"""Of ffprobe over one file. It takes less than one; some demuxers search a damaged file to its end, however large it
claims to be (sparse), and nothing else is taken meanwhile."""


class Intake:
    """Takes files into one originals folder. Used by the ingest thread only."""

    def __init__(
        self,
        originals: Originals,
        limits: Limits,
        stop: Stop,
        volumes: Volumes,
        is_leaving: Callable[[str], bool] = lambda _item_id: False,
        is_others: Callable[[str, str], bool] = lambda _slug, _item_id: False,
    ) -> None:
        """`is_leaving(item id)`: whether that item is about to be removed. `is_others(slug, item id)`: whether an address is used."""
        self._originals = originals
        self._claims = Claims(originals.root, volumes, stop)
        self._matching = Matching(originals, volumes, stop)
        self._volumes = volumes
        self._limits = limits
        self._stop = stop
        self._is_leaving = is_leaving
        self._is_others = is_others
        self._stalls: Counter[str] = Counter()

    def take(self, path: Path, inbox: Inbox, expected: FileState) -> Outcome:
        """Claim and identify `path`. Raises Unavailable (disk full, mount gone) with nothing lost.

        What goes wrong once the file is claimed is reported as NotTaken: it is safe, and `resume` continues with it.
        """
        self._volumes.check()
        try:
            claim = self._claims.claim(path, inbox, expected)
        except (FileNotFoundError, BlockingIOError):  # the latter: its owner has just got a lease on it
            return Changed(path)
        except BadInput as error:
            return NotTaken(path, inbox.name, str(error))
        except PermissionError as error:
            sentence = f"vlogd may not read or move it ({error.strerror}); correct its permissions."
            return NotTaken(path, inbox.name, sentence)
        except OSError as error:
            raise Unavailable(f"{path} could not be taken: {error.strerror}.") from error
        return self._finish(claim, inbox)

    def resume(self, inboxes: Mapping[str, Inbox]) -> Iterator[Outcome]:
        """Continue with the claims that are not identified yet.

        Raises Unavailable when the originals' disk is away. Trouble with one claim is reported as NotTaken. What was dropped
        into an inbox that is no longer configured ends there if it is refused, or in the first inbox if an earlier version claimed it.
        """
        self._volumes.check()
        first = next(iter(inboxes.values()))
        for claim in self._claims.all(first):
            earlier = first if claim.inbox_folder is None else Inbox(claim.inbox, claim.inbox_folder)
            yield self._finish(claim, inboxes.get(claim.inbox, earlier))

    def _finish(self, claim: Claim, inbox: Inbox) -> Outcome:
        try:
            if claim.refused is not None:
                return self._reject(claim, inbox, claim.refused)
            try:
                self._claims.make_own(claim)
            except FileNotFoundError:
                self._claims.put_back(claim, inbox)
                return Changed(claim.dropped_as)
            return self._identify_or_reject(claim, inbox)
        except Stopping:
            raise
        except (VlogdError, OSError) as error:
            return _waits(claim, error)

    def _identify_or_reject(self, claim: Claim, inbox: Inbox) -> Outcome:
        try:
            return self._identify(claim, inbox)
        except ToolStalled as error:
            self._stalls[claim.token] += 1
            if self._stalls[claim.token] < _MOST_STALLS:
                raise
            return self._reject(claim, inbox, refusals.STALLS.error(error.stderr_tail))

    def _reject(self, claim: Claim, inbox: Inbox, error: BadInput) -> Failed:
        """Move the file to `_failed`. Until that works, the verdict is in its note: ffprobe isn't asked again."""
        try:
            self._volumes.check()
            moved_to = quarantine.put(claim.as_dropped(), inbox.folder, str(error))
        except (VlogdError, OSError):
            if claim.refused is None:
                claim.note_refusal(error)
            raise
        claim.drop()
        return Failed(claim.dropped_as, str(error), moved_to, "\n".join(error.stderr_tail))

    def _identify(self, claim: Claim, inbox: Inbox) -> Outcome:
        match = self._matching.of(claim.file, self._originals.item_in(claim.folder))
        if match.item is not None and self._is_leaving(match.item_id):
            raise Unavailable(f"{match.item.title} has the same content and is being removed just now.")
        if match.item is not None and match.is_there:
            self._volumes.check()
            claim.drop()
            return Duplicate(claim.dropped_as, match.item)
        try:
            limits = replace(self._limits, cpu_seconds=_MOST_CPU_SECONDS)
            media = ffprobe.describe(claim.plain_path(), limits, self._stop)
        except BadInput as error:
            return self._reject(claim, inbox, error)
        item = self._item(match, claim)
        self._volumes.check()  # what was read above may have taken minutes
        files.sync_file(claim.file)
        description.write(claim.folder / MEDIA, media)
        if match.sha256 is not None:
            self._originals.note_sha256(claim.folder, match.sha256)
        self._originals.write_item(claim.folder, item)
        set_aside.make_room(self._originals.root, item.id)
        claim.move_to(self._originals.root / item.id)
        return Accepted(claim.dropped_as, item, media)

    def _item(self, match: Match, claim: Claim) -> Item:
        """The new item, or the one whose original was lost and was dropped again, perhaps under another name."""
        original = File(f"{match.item_id}/{claim.file.name}")
        if match.item is not None:
            return replace(match.item, source=original)
        title = titles.title_of(claim.file.name)
        slugs = titles.slugs_of(title, match.item_id)
        return Item(
            id=match.item_id,
            title=title,
            slug=next(slug for slug in slugs if not self._is_others(slug, match.item_id)),
            inbox=claim.inbox,
            source=original,
            digest=match.identity,
            size_bytes=claim.file.stat().st_size,
            accepted_at=round(claim.claimed_at, 3),
        )


def _waits(claim: Claim, error: Exception) -> NotTaken:
    sentence = f"It was dropped as {claim.dropped_as} and is safe here, but cannot be processed yet: {error} vlogd will try again."
    return NotTaken(claim.file, claim.inbox, sentence)
