"""Is a file encrypted? ffmpeg decodes such tracks to noise, and ffprobe describes them as if they were not.

Common encryption of MP4 (ISO/IEC 23001-7) and FairPlay replace the type of the sample entry (ISO/IEC 14496-12, 8.12);
Matroska has a key's ID, which ffprobe lists among the tags.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from vlogd.media import isobmff, refusals
from vlogd.media.isobmff import Box, BoxError

_ENCRYPTED_ENTRIES = (b"encv", b"enca", b"drmi", b"drms")
"""Video and audio, by common encryption and by FairPlay."""

_TO_SAMPLE_DESCRIPTION = (b"mdia", b"minf", b"stbl", b"stsd")
_MOST_TRACKS = 256
_ENTRY_AT, _ENTRY_TYPE_BYTES = 12, 4
"""Where in `stsd` the type of the first entry is: behind version, flags, the count and the entry's size (8.5.2)."""


def check(path: Path, streams: Sequence[Mapping[str, Any]]) -> None:
    """Raise BadInput when a track of video or audio is encrypted. `streams`: ffprobe's description of the tracks."""
    if _has_key_id(streams) or _has_encrypted_entry(path):
        raise refusals.ENCRYPTED.error()


def _has_key_id(streams: Sequence[Mapping[str, Any]]) -> bool:
    return any("enc_key_id" in {str(name).lower() for name in stream.get("tags", {})} for stream in streams)


def _has_encrypted_entry(path: Path) -> bool:
    with suppress(BoxError), path.open("rb") as file:
        return any(entry in _ENCRYPTED_ENTRIES for entry in _sample_entries(file))
    return False


def _sample_entries(file: BinaryIO) -> Iterator[bytes]:
    """The type of each track's first sample entry, of an MP4 or QuickTime file. Raises BoxError."""
    moov = next((box for box in isobmff.walk(file) if box.kind == b"moov"), None)
    if moov is None:
        return
    tracks = [box for box in _children(file, moov) if box.kind == b"trak"]
    for track in tracks[:_MOST_TRACKS]:
        box: Box | None = track
        for kind in _TO_SAMPLE_DESCRIPTION:
            box = next((inner for inner in _children(file, box) if inner.kind == kind), None) if box else None
        if box is not None:
            file.seek(box.body_start + _ENTRY_AT)
            yield file.read(_ENTRY_TYPE_BYTES)


def _children(file: BinaryIO, box: Box) -> Iterator[Box]:
    return isobmff.walk(file, box.body_start, box.end)
