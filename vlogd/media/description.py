"""ffprobe's description of a file, kept as a document so that ffprobe is asked once.

Who accepts a file writes it beside the original; the probe stage begins with it.
"""

from dataclasses import dataclass
from pathlib import Path

from vlogd.core.documents import DocumentFormat
from vlogd.media import ffprobe
from vlogd.media.ffprobe import Media


@dataclass(frozen=True)
class Description:
    """What ffprobe said of a file that had so many bytes, and by which version of our reading of its answer."""

    size_bytes: int
    version: int
    media: Media


VERSION = 1
"""Raised when `ffprobe.describe` would read more, or something else, out of the same answer."""

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
    """Keep what ffprobe said. Raises OSError."""
    _DOCUMENT.write(path, Description(media.size_bytes, VERSION, media))


def read(path: Path, size_bytes: int) -> Media | None:
    """What was kept for a file of that size; None when it is of another file or by another version.

    Raises OSError, Malformed and NewerFormat.
    """
    description = _DOCUMENT.read(path).value
    fits = (description.size_bytes, description.version) == (size_bytes, VERSION)
    return description.media if fits else None
