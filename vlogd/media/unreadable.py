"""Why a file is refused that ffprobe cannot read, or in which it finds nothing to publish.

`streams` are ffprobe's descriptions of the tracks (`-show_streams`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vlogd.core.errors import BadInput, ToolFailed
from vlogd.media import codec_support, ffmpeg, file_kinds, refusals

_OTHER_TRACKS = {"subtitle": "subtitles", "data": "data", "attachment": "attached files"}
"""ffprobe's codec types that are neither video nor audio, as people call them."""


def check_frame_size(width: int, height: int) -> None:
    """Raise BadInput for frames that would take gigabytes to decode."""
    if width * height > ffmpeg.MAX_PIXELS:
        raise refusals.FRAMES_TOO_LARGE.error(width=width, height=height, most=ffmpeg.MAX_PIXELS >> 20)


def by_ffprobe(error: ToolFailed, path: Path) -> BadInput:
    """Why ffprobe cannot read a file: what it is instead, or what is missing."""
    printed = "\n".join(error.stderr_tail)
    kind = file_kinds.describe(path)
    if kind is not None:
        return refusals.OTHER_KIND.error(error.stderr_tail, kind=kind)
    if "moov atom not found" in printed:
        return refusals.NO_INDEX.error(error.stderr_tail)
    in_full = (refusals.OUT_OF_MEMORY, refusals.TOO_MUCH_OUTPUT, refusals.TOO_MUCH_WORK)
    if any(refusal.matches(str(error)) for refusal in in_full):
        return BadInput(str(error), error.stderr_tail)
    return refusals.NOT_RECOGNISED.error(error.stderr_tail)


def without_media(streams: Sequence[Mapping[str, Any]], undecodable: Sequence[str], path: Path) -> BadInput:
    """Why there is neither a frame nor a sound: a key, a decoder or the size is missing, or it holds other tracks."""
    if undecodable:
        return refusals.NO_DECODER.error(tracks=" and ".join(undecodable))
    kinds = {stream.get("codec_type") for stream in streams if not codec_support.is_cover(stream)}
    if "video" in kinds:
        return refusals.NO_FRAME_SIZE.error()
    kind = file_kinds.describe(path)
    if kind is not None:
        return refusals.OTHER_KIND.error(kind=kind)
    names = [name for kind, name in _OTHER_TRACKS.items() if kind in kinds]
    if any(map(codec_support.is_cover, streams)):
        names.append("a cover picture")
    if names and "audio" not in kinds:
        return refusals.ONLY_OTHER_TRACKS.error(tracks=" and ".join(names))
    return refusals.NO_TRACKS.error()
