"""What ffprobe says about a file, as typed facts.

`describe` runs ffprobe; `from_json`/`to_json` carry the facts through `probe.json`. Field names
are ffprobe's where it has one.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.core.errors import BadInput, ToolFailed
from vlogd.media import ffmpeg, read_errors
from vlogd.media.process import Limits

_MOST_STREAMS = 256
"""A film in 40 languages, with subtitles and commentary, has half as many."""
_MOST_CHAPTERS = 2000
"""One each few seconds of a long film; pages list them all."""
_MOST_SUBTITLES = 64
"""Twice as many as are published (the subtitles stage)."""

_ENTRIES = ("-show_format", "-show_streams", "-show_chapters")


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
    """One subtitle track; `text` says whether it is text rather than pictures."""

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
    """A whole file. `video` is the first stream that is no attached picture, or None."""

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

    def to_json(self) -> dict[str, Any]:
        """As plain data for `probe.json`."""
        return asdict(self)


def from_json(value: Mapping[str, Any]) -> Media:
    """The facts back from `probe.json`."""
    return Media(
        **{
            **value,
            "video": VideoStream(**value["video"]) if value["video"] else None,
            "audio": tuple(AudioStream(**stream) for stream in value["audio"]),
            "subtitles": tuple(SubtitleStream(**stream) for stream in value["subtitles"]),
            "chapters": tuple(Chapter(**chapter) for chapter in value["chapters"]),
        }
    )


def describe(path: Path, limits: Limits, stop: Stop | None = None) -> Media:
    """What is in `path`. Raises BadInput with a sentence if ffprobe finds neither video nor audio.

    Raises OSError when the disk fails at either end of the file, where ffprobe looks.
    """
    if path.stat().st_size == 0:
        raise BadInput("The file is empty. Copy it again.")
    read_errors.check_ends(path)
    try:
        said = json.loads(ffmpeg.probe(path, *_ENTRIES, limits=limits, stop=stop))
    except ToolFailed as error:
        why = _reason(error, path)
        raise BadInput(f"The file is not a video or sound that ffmpeg can read: {why}") from error
    except ValueError as error:
        raise BadInput("The file is not a video: ffprobe could not describe it.") from error
    if len(said.get("streams", [])) > _MOST_STREAMS:
        raise BadInput(f"The file says that it holds more than {_MOST_STREAMS} tracks; no film does.")
    media = _media(said)
    if media.video is not None and media.video.width * media.video.height > ffmpeg.MOST_PIXELS:
        raise BadInput(
            f"The picture is {media.video.width}x{media.video.height} pixels; vlogd takes at most "
            f"{ffmpeg.MOST_PIXELS >> 20} million, far above 8K."
        )
    if media.video is None and not media.audio:
        raise BadInput("The file holds neither a moving picture nor sound.")
    return media


def _reason(error: ToolFailed, path: Path) -> str:
    last = error.stderr_tail[-1] if error.stderr_tail else str(error)
    last = last.replace(ffmpeg.argument(path), "").replace(str(path), "").strip(" :")
    if "moov atom not found" in " ".join(error.stderr_tail):
        return "it has no index (moov); it was cut off, or is no MP4 at all. Copy it again, whole."
    if "not on whitelist" in " ".join(error.stderr_tail):
        return "it is a playlist, a picture, a text or something else that is no film by itself."
    return f"{last.rstrip('.')}."


def _media(said: Mapping[str, Any]) -> Media:
    streams = said.get("streams", [])
    form = said.get("format", {})
    pictures = [s for s in streams if s.get("codec_type") == "video" and _number(s, "width")]
    covers = [s for s in pictures if s.get("disposition", {}).get("attached_pic")]
    films = [s for s in pictures if s not in covers and s.get("codec_name")]
    return Media(
        format=form.get("format_name", ""),
        duration_seconds=_duration(form, streams),
        start_seconds=_seconds(form.get("start_time")),
        size_bytes=int(form.get("size", 0)),
        bit_rate=_number(form, "bit_rate"),
        video=_video(films[0]) if films else None,
        cover_index=covers[0]["index"] if covers else None,
        audio=tuple(
            _audio(s) for s in streams if s.get("codec_type") == "audio" and _number(s, "sample_rate")
        ),
        subtitles=tuple(_subtitle(s) for s in streams if s.get("codec_type") == "subtitle")[:_MOST_SUBTITLES],
        chapters=tuple(_chapter(c) for c in said.get("chapters", [])[:_MOST_CHAPTERS]),
        tags={str(k).lower(): str(v) for k, v in form.get("tags", {}).items()},
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
        start_pts=_number(stream, "start_pts"),
        field_order=stream.get("field_order", "unknown"),
        color_transfer=stream.get("color_transfer", ""),
        color_primaries=stream.get("color_primaries", ""),
        color_space=stream.get("color_space", ""),
        color_range=stream.get("color_range", ""),
        b_frames=_number(stream, "has_b_frames") or 0,
        bit_rate=_number(stream, "bit_rate"),
        level=_number(stream, "level") or 0,
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
        bit_rate=_number(stream, "bit_rate"),
    )


_TEXT_SUBTITLES = {"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"}


def _subtitle(stream: Mapping[str, Any]) -> SubtitleStream:
    tags = _tags(stream)
    codec = stream.get("codec_name", "")
    return SubtitleStream(
        stream["index"], codec, tags.get("language", ""), tags.get("title", ""), codec in _TEXT_SUBTITLES
    )


def _chapter(chapter: Mapping[str, Any]) -> Chapter:
    return Chapter(
        _seconds(chapter.get("start_time")),
        _seconds(chapter.get("end_time")),
        _tags(chapter).get("title", ""),
    )


def _tags(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(key).lower(): str(value) for key, value in found.get("tags", {}).items()}


def _rotation(stream: Mapping[str, Any]) -> int:
    """Clockwise degrees; ffprobe's display matrix says counter-clockwise."""
    for side in stream.get("side_data_list", []):
        if "rotation" in side:
            return round(-float(side["rotation"]) / 90) * 90 % 360
    return 0


def _duration(form: Mapping[str, Any], streams: list[Mapping[str, Any]]) -> float:
    whole = _seconds(form.get("duration"))
    return whole or max((_seconds(stream.get("duration")) for stream in streams), default=0.0)


def _seconds(text: Any) -> float:
    with suppress(TypeError, ValueError):
        return float(text)
    return 0.0


def _number(found: Mapping[str, Any], key: str) -> int | None:
    with suppress(KeyError, TypeError, ValueError):
        return int(found[key])
    return None


def _fraction(text: Any, otherwise: str) -> str:
    """A fraction, from ffprobe's "num:den" or "num/den" as "num/den"; `otherwise` when it is 0 or unknown."""
    with suppress(TypeError, ValueError, ZeroDivisionError, AttributeError):
        value = Fraction(text.replace(":", "/"))
        if value > 0:
            return f"{value.numerator}/{value.denominator}"
    return otherwise
