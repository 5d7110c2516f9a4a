"""Which codecs the installed ffmpeg can decode; it knows the names of more (`ffmpeg -codecs`).

`streams` are ffprobe's descriptions of a file's tracks (`-show_streams`).
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.media import process
from vlogd.media.process import Limits

_COMMON = frozenset((
    "h264", "hevc", "vp8", "vp9", "mpeg4", "mpeg2video", "mjpeg", "prores",
    "aac", "mp3", "mp2", "ac3", "eac3", "opus", "vorbis", "flac", "pcm_s16le", "alac",
))  # fmt: skip
"""ffmpeg has decoders of its own for these: asking costs a process, which most files are spared."""

_COLUMNS = 3
"""Of a line of `ffmpeg -codecs`: flags, the codec's name, its description."""

_decodable: dict[str, frozenset[str]] = {}
"""The answer of `ffmpeg`, by its name. An update is noticed when vlogd starts again."""


def undecodable(
    streams: Sequence[Mapping[str, Any]], limits: Limits, stop: Stop | None = None
) -> frozenset[str]:
    """The names of those codecs of some tracks for which there is no decoder. Raises as `process.run`."""
    unusual = frozenset(s["codec_name"] for s in streams if is_media(s) and "codec_name" in s) - _COMMON
    if unusual and "ffmpeg" not in _decodable:
        command = ["ffmpeg", "-hide_banner", "-v", "error", "-codecs"]
        _decodable["ffmpeg"] = parse(process.output(command, limits=limits, stop=stop))
    return unusual - _decodable["ffmpeg"] if unusual else unusual


def parse(listing: str) -> frozenset[str]:
    """The names of the codecs whose first flag is D (decoding is supported)."""
    rows = [line.split(None, _COLUMNS - 1) for line in listing.splitlines()]
    return frozenset(row[1] for row in rows if len(row) == _COLUMNS and row[0].startswith("D"))


def is_cover(stream: Mapping[str, Any]) -> bool:
    """Whether it is an attached picture, such as an album's cover."""
    return bool(stream.get("disposition", {}).get("attached_pic"))


def is_media(stream: Mapping[str, Any]) -> bool:
    """Whether a track is video or audio."""
    return stream.get("codec_type") in ("video", "audio") and not is_cover(stream)


def lacks_decoder(stream: Mapping[str, Any], without_decoder: Set[str]) -> bool:
    """Whether a track of video or audio is in a codec that ffmpeg has no name or no decoder for."""
    name = stream.get("codec_name", "")
    return is_media(stream) and (not name or name in without_decoder)


def track_name(stream: Mapping[str, Any]) -> str:
    """A track for people: "audio (ac-4)". The container's own name of the codec, where ffmpeg knows none."""
    tag = stream.get("codec_tag_string", "")
    codec = stream.get("codec_name") or (tag if tag and "[" not in tag else "an unknown format")
    return f"{stream['codec_type']} ({codec})"


def marked(
    streams: Sequence[Mapping[str, Any]], without_decoder: Set[str]
) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    """The tracks, without a codec's name where there is no decoder, and what those are called, each once."""
    unusable = [stream for stream in streams if lacks_decoder(stream, without_decoder)]
    names = tuple(dict.fromkeys(map(track_name, unusable)))
    return [{**stream, "codec_name": ""} if stream in unusable else stream for stream in streams], names
