"""ffprobe's description of a file, stored as a document so that ffprobe runs once.

It is written beside the original when the file is accepted; the probe stage begins with it.
"""

from dataclasses import dataclass
from pathlib import Path

from vlogd.core.documents import DocumentFormat
from vlogd.media import ffprobe
from vlogd.media.ffprobe import Media


@dataclass(frozen=True)
class Description:
    """The description of a file of `size_bytes` bytes. `version`: the `VERSION` of the code that made it."""

    size_bytes: int
    version: int
    media: Media


VERSION = 2
"""Incremented when `ffprobe.describe` returns something else for the same output of ffprobe."""

_DOCUMENT = DocumentFormat(
    "the description of the original",
    lambda content: Description(
        int(content["size_bytes"]), int(content["version"]), ffprobe.from_json(content["media"])
    ),
    lambda description: {
        "size_bytes": description.size_bytes,
        "version": description.version,
        "media": description.media.to_json(),
    },
)


def write(path: Path, media: Media) -> None:
    """Write the description of a file. Raises OSError."""
    _DOCUMENT.write(path, Description(media.size_bytes, VERSION, media))


def read(path: Path, size_bytes: int) -> Media | None:
    """The description of a file of that size; None when it is another file's or another version's.

    Raises OSError, Malformed and NewerFormat.
    """
    description = _DOCUMENT.read(path).value
    is_current = (description.size_bytes, description.version) == (size_bytes, VERSION)
    return description.media if is_current else None
