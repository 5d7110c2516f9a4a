"""The small documents beside an original, and in the trash, apart from the item's own (`item_document`)."""

from dataclasses import dataclass

from vlogd.core.documents import DocumentFormat

MEDIA = ".vlogd-media.json"
"""ffprobe's description of the original, which ingest writes (`media.description`)."""

DELETED = ".vlogd-deleted.json"
SHA256 = ".vlogd-sha256.json"


@dataclass(frozen=True)
class Deletion:
    """An original was deleted on purpose (epoch seconds)."""

    deleted_at: float


@dataclass(frozen=True)
class FullDigest:
    """The SHA-256 of all bytes of an original, in hex."""

    sha256: str


@dataclass(frozen=True)
class TrashNote:
    """Until when an item stays in the trash (epoch seconds)."""

    keep_until: float


DELETION = DocumentFormat.of("the note of a deleted original", Deletion)
FULL_DIGEST = DocumentFormat.of("the digest of an original", FullDigest)
TRASH_NOTE = DocumentFormat.of("the note of an item in the trash", TrashNote)
