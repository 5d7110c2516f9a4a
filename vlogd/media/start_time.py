"""When a file begins: with its first frame or its first sound.

A data track (a clock, positions) or subtitles may begin up to a second earlier, and ffprobe's start of the container counts
them. Nothing of them is published, so they must not move the stream's zero.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

_ROUNDING_SECONDS = 0.001
"""The container's start is rounded otherwise than a track's."""


def of_media(container: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]) -> float:
    """The earliest start of video and audio in seconds, from ffprobe's description of a file."""
    listed = _seconds(container)
    published = [
        stream
        for stream in streams
        if stream.get("codec_type") in ("video", "audio") and "start_time" in stream
    ]
    earliest = min(map(_seconds, published), default=listed)
    return earliest if earliest > listed + _ROUNDING_SECONDS else listed


def _seconds(entry: Mapping[str, Any]) -> float:
    with suppress(TypeError, ValueError, KeyError):
        return float(entry["start_time"])
    return 0.0
