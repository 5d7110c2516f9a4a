"""Which item a dropped file is: decided by all of its bytes, never by samples alone.

The identity (`digest.identity`: size and samples) names the candidates. Whether one holds the same bytes is seen by comparing
with its original or, when that is gone, by the SHA-256 that was noted of it. When neither is there, the file counts as
another one: it becomes an item of its own, and takes nobody's place. An original on an archive that is not mounted is not
gone, so the file waits then (docs/decisions/0022-the-same-file-is-the-same-bytes.md).
"""

from dataclasses import dataclass
from pathlib import Path

from vlogd.core import digest
from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, Unavailable
from vlogd.core.model import File, Item
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

_ID_CHARACTERS = 32
"""128 bits of a SHA-256: nobody can make two files of which these are equal."""

_EARLIER_ID_CHARACTERS = 16
"""Of the items that were accepted up to 0.1.0; they keep their ids."""


@dataclass(frozen=True)
class Match:
    """`item` is the known item with the same bytes, None for a new one, and `item_id` its id or that of the new one.

    `is_there`: the original of the item is there, so the file is a duplicate. `sha256` is that of the file, if it was read.
    """

    item_id: str
    identity: str
    item: Item | None = None
    is_there: bool = False
    sha256: str | None = None


class Matching:
    """Compares files with the items of one originals folder. Used by the ingest thread only."""

    def __init__(self, originals: Originals, volumes: Volumes, stop: Stop) -> None:
        self._originals = originals
        self._volumes = volumes
        self._stop = stop

    def of(self, file: Path, begun: Item | None) -> Match:
        """What `file` is. `begun` is the item that it was to become when a crash interrupted that.

        Raises Unavailable and OSError when that cannot be decided now, and Stopping while the file is read.
        """
        whole = _Whole(file, self._stop)
        identity = digest.identity(file)
        if begun is not None and begun.digest == identity and self._originals.item(begun.id) is None:
            return Match(begun.id, identity, begun)
        for reads_all in (False, True):
            key = digest.of_json([identity, whole.sha256()]) if reads_all else identity
            new_id = key[:_ID_CHARACTERS]
            for item_id in (new_id, key[:_EARLIER_ID_CHARACTERS]):
                item = self._originals.item(item_id)
                original = None if item is None else self._originals.find(item)
                if item is not None and self._is_same(
                    item, original, self._originals.sha256(item), identity, whole
                ):
                    return Match(item.id, identity, item, original is not None, whole.known)
            if self._originals.item(new_id) is None and self._may_have(new_id, identity, whole):
                return Match(new_id, identity, sha256=whole.known)
        raise BadInput("Its SHA-256 begins like that of another file.")  # pragma: no cover

    def _may_have(self, new_id: str, identity: str, whole: "_Whole") -> bool:
        """Whether a new item may have this id: not while another file has it in the trash, where both would have one place."""
        removed = self._originals.in_trash(new_id)
        if removed is None:
            return True
        if not isinstance(removed.source, File):
            return False
        noted = self._originals.sha256(removed, removed=True)
        return self._is_same(removed, self._originals.find_removed(removed), noted, identity, whole)

    def _is_same(
        self, item: Item, original: Path | None, noted: str | None, identity: str, whole: "_Whole"
    ) -> bool:
        """Whether the file has the bytes that the item was accepted with."""
        if item.digest != identity or not isinstance(item.source, File):
            return False
        if original is not None:
            return digest.same_bytes(whole.file, original, self._stop)
        if self._originals.archive is not None and (problem := self._volumes.problem("archive")):
            raise Unavailable(f"{item.title} may be the same video, and its original is archived. {problem}")
        if digest.identity_covers(item.size_bytes):
            return True
        return noted is not None and noted == whole.sha256()


class _Whole:
    """A file whose SHA-256 is computed when it is needed, once. `known`: what was computed."""

    def __init__(self, file: Path, stop: Stop) -> None:
        self.file = file
        self.known: str | None = None
        self._stop = stop

    def sha256(self) -> str:
        """The SHA-256. Raises Stopping while the file is read."""
        if self.known is None:
            self.known = digest.of_large_file(self.file, self._stop)
        return self.known
