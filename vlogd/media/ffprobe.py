"""ffprobe's description of a file, as typed data.

`describe` runs ffprobe; `to_json` and `from_json` write and read it as in `probe.json`. Field names
are ffprobe's where it has one.
"""

import json
import math
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed
from vlogd.media import (
    bounds,
    codec_support,
    encryption,
    ffmpeg,
    read_errors,
    refusals,
    start_time,
    unreadable,
)
from vlogd.media.process import Limits

_MAX_STREAMS = 256
"""A film with audio and subtitles in 40 languages, and commentary, has half as many."""
_MAX_CHAPTERS = 2000
"""One every few seconds of a long film; the chapters stage publishes half as many at most."""
_MAX_SUBTITLES = 64
"""Twice as many as are published (the subtitles stage)."""

_ENTRIES = ("-show_format", "-show_streams", "-show_chapters")
"""The container's duration and tags; each stream's codec, size and language; each chapter's times and title."""


@dataclass(frozen=True)
class VideoStream:
    """The video. `width`, `height` are as coded; `rotation` is clockwise degrees 0/90/180/270.

    `sample_aspect` and `frame_rate` (ffprobe's avg_frame_rate) are fractions as "num/den". `turned`: the
    file asks players to rotate or mirror the frames.
    """

    index: int
    codec: str
    profile: str
    width: int
    height: int
    sample_aspect: str
    rotation: int
    pixel_format: str
    frame_rate: str
    time_base: str
    start_pts: int | None
    field_order: str
    color_transfer: str
    color_primaries: str
    color_space: str
    color_range: str
    b_frames: int
    bit_rate: int | None
    level: int
    turned: bool

    @property
    def hdr(self) -> bool:
        """Whether it is tagged as PQ or HLG (Rec. ITU-R BT.2100); never guessed."""
        return self.color_transfer in ("smpte2084", "arib-std-b67")

    def shown_size(self) -> tuple[int, int]:
        """Width and height as a viewer sees them: square pixels, rotation applied."""
        width = round(self.width * Fraction(self.sample_aspect))
        return (self.height, width) if self.rotation in (90, 270) else (width, self.height)


@dataclass(frozen=True)
class AudioStream:
    """One audio track. `language` is ffprobe's tag, "" when absent."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    channel_layout: str
    language: str
    title: str
    default: bool
    bit_rate: int | None


@dataclass(frozen=True)
class SubtitleStream:
    """One subtitle track. `text`: whether it is text rather than images."""

    index: int
    codec: str
    language: str
    title: str
    text: bool


@dataclass(frozen=True)
class Chapter:
    """A chapter of the file itself, in seconds from the start."""

    start_seconds: float
    end_seconds: float
    title: str


@dataclass(frozen=True)
class Media:
    """A whole file. `video` is the first video stream that is no attached picture (cover art), or None.

    `undecodable` names the tracks of video and audio for which this ffmpeg has no decoder, each like "video (vvc1)".
    """

    format: str
    duration_seconds: float
    start_seconds: float
    size_bytes: int
    bit_rate: int | None
    video: VideoStream | None
    cover_index: int | None
    audio: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...]
    chapters: tuple[Chapter, ...]
    tags: Mapping[str, str]
    undecodable: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data for `probe.json`; `undecodable` only where there are any."""
        return {key: value for key, value in asdict(self).items() if value or key != "undecodable"}


def from_json(value: Mapping[str, Any]) -> Media:
    """Parse what `to_json` returned."""
    return Media(
        **{
            **value,
            "video": VideoStream(**value["video"]) if value["video"] else None,
            "audio": tuple(AudioStream(**stream) for stream in value["audio"]),
            "subtitles": tuple(SubtitleStream(**stream) for stream in value["subtitles"]),
            "chapters": tuple(Chapter(**chapter) for chapter in value["chapters"]),
            "undecodable": tuple(value.get("undecodable", ())),
        }
    )


def describe(path: Path, limits: Limits, stop: Stop | None = None) -> Media:
    """Describe the file. Raises BadInput when ffprobe cannot read it or it has neither video nor audio.

    Raises OSError when the disk fails at either end, which ffprobe reads; else as `process.run`.
    """
    if path.stat().st_size == 0:
        raise refusals.EMPTY.error()
    read_errors.check_ends(path)
    try:
        description = json.loads(ffmpeg.probe(path, *_ENTRIES, limits=limits, stop=stop))
    except ToolFailed as error:
        raise unreadable.by_ffprobe(error, path) from error
    except ValueError as error:
        raise refusals.NOT_RECOGNISED.error() from error
    streams = description.get("streams", [])
    if len(streams) > _MAX_STREAMS:
        raise refusals.TOO_MANY_TRACKS.error(most=_MAX_STREAMS)
    encryption.check(path, streams)
    media = _media(description, codec_support.undecodable(streams, limits, stop))
    if media.video is not None:  # it lasts as long as its frames say, which are counted later
        unreadable.check_frame_size(media.video.width, media.video.height)
    elif not any(track.codec and track.channels for track in media.audio):
        raise unreadable.without_media(streams, media.undecodable, path)
    else:
        bounds.check_duration(media.duration_seconds)
    return media


def _media(description: Mapping[str, Any], undecodable: Set[str] = frozenset()) -> Media:
    """`undecodable`: names of codecs without a decoder here."""
    container = description.get("format", {})
    streams, left_out = codec_support.marked(description.get("streams", []), undecodable)
    video_streams = [s for s in streams if s.get("codec_type") == "video" and _integer(s, "width")]
    covers = [s for s in video_streams if codec_support.is_cover(s)]
    videos = [s for s in video_streams if s not in covers and s.get("codec_name")]
    return Media(
        format=container.get("format_name", ""),
        duration_seconds=_duration(container, streams),
        start_seconds=start_time.of_media(container, streams),
        size_bytes=int(container.get("size", 0)),
        bit_rate=_integer(container, "bit_rate"),
        video=_video(videos[0]) if videos else None,
        cover_index=covers[0]["index"] if covers else None,
        audio=tuple(
            _audio(s) for s in streams if s.get("codec_type") == "audio" and _integer(s, "sample_rate")
        ),
        subtitles=tuple(_subtitle(s) for s in streams if s.get("codec_type") == "subtitle")[:_MAX_SUBTITLES],
        chapters=tuple(_chapter(c) for c in description.get("chapters", [])[:_MAX_CHAPTERS]),
        tags=_tags(container),
        undecodable=left_out,
    )


def _video(stream: Mapping[str, Any]) -> VideoStream:
    return VideoStream(
        index=stream["index"],
        codec=stream["codec_name"],
        profile=str(stream.get("profile", "")),
        width=int(stream["width"]),
        height=int(stream["height"]),
        sample_aspect=_fraction(stream.get("sample_aspect_ratio"), "1/1"),
        rotation=_rotation(stream),
        pixel_format=stream.get("pix_fmt", ""),
        frame_rate=_fraction(stream.get("avg_frame_rate"), _fraction(stream.get("r_frame_rate"), "25/1")),
        time_base=stream.get("time_base", "1/90000"),
        start_pts=_integer(stream, "start_pts"),
        field_order=stream.get("field_order", "unknown"),
        color_transfer=stream.get("color_transfer", ""),
        color_primaries=stream.get("color_primaries", ""),
        color_space=stream.get("color_space", ""),
        color_range=stream.get("color_range", ""),
        b_frames=_integer(stream, "has_b_frames") or 0,
        bit_rate=_integer(stream, "bit_rate"),
        level=_integer(stream, "level") or 0,
        turned=any("rotation" in side for side in stream.get("side_data_list", [])),
    )


def _audio(stream: Mapping[str, Any]) -> AudioStream:
    tags = _tags(stream)
    return AudioStream(
        index=stream["index"],
        codec=stream.get("codec_name", ""),
        sample_rate=int(stream["sample_rate"]),
        channels=int(stream.get("channels", 0)),
        channel_layout=stream.get("channel_layout", ""),
        language=tags.get("language", ""),
        title=tags.get("title", ""),
        default=bool(stream.get("disposition", {}).get("default")),
        bit_rate=_integer(stream, "bit_rate"),
    )


_TEXT_SUBTITLE_CODECS = {"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"}
"""ffmpeg's names (`ffmpeg -codecs`). The other subtitle codecs hold images."""


def _subtitle(stream: Mapping[str, Any]) -> SubtitleStream:
    tags = _tags(stream)
    codec = stream.get("codec_name", "")
    is_text = codec in _TEXT_SUBTITLE_CODECS
    return SubtitleStream(stream["index"], codec, tags.get("language", ""), tags.get("title", ""), is_text)


def _chapter(chapter: Mapping[str, Any]) -> Chapter:
    return Chapter(
        _seconds(chapter.get("start_time")),
        _seconds(chapter.get("end_time")),
        _tags(chapter).get("title", ""),
    )


def _tags(entry: Mapping[str, Any]) -> dict[str, str]:
    return {str(key).lower(): str(value) for key, value in entry.get("tags", {}).items()}


def _rotation(stream: Mapping[str, Any]) -> int:
    """Clockwise degrees; those of ffprobe's display matrix are counter-clockwise (av_display_rotation_get)."""
    degrees = (side["rotation"] for side in stream.get("side_data_list", []) if "rotation" in side)
    return round(-float(next(degrees, 0)) / 90) * 90 % 360


def _duration(container: Mapping[str, Any], streams: list[Mapping[str, Any]]) -> float:
    seconds = _seconds(container.get("duration"))
    return seconds or max((_seconds(stream.get("duration")) for stream in streams), default=0.0)


def _seconds(text: Any) -> float:
    with suppress(TypeError, ValueError):
        return float(text) if math.isfinite(float(text)) else 0.0
    return 0.0


def _integer(entry: Mapping[str, Any], key: str) -> int | None:
    with suppress(KeyError, TypeError, ValueError):
        return int(entry[key])
    return None


def _fraction(text: Any, default: str) -> str:
    """Reduce ffprobe's "num:den" or "num/den" to "num/den"; `default` when it is 0 or unknown."""
    with suppress(TypeError, ValueError, ZeroDivisionError, AttributeError):
        value = Fraction(text.replace(":", "/"))
        if value > 0:
            return f"{value.numerator}/{value.denominator}"
    return default
