"""Reads HLS playlists from any source. Nothing outside the stream's folder is ever opened.

The third-party parser (m3u8) is lenient; what it lets through is held to RFC 8216 here, so that the rest of vlogd can
rely on it: durations are finite and not negative, numbers have a bound, byte ranges lie within a file's reach.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import m3u8

_LARGEST_PLAYLIST_BYTES = 64 << 20
"""An I-frame playlist of three hours whose every frame is a key frame has 45 MiB."""
_MOST_LINES = 2_000_000
"""Three lines for each frame of such a playlist. The parser takes about 400 bytes for each."""
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Where the parser (str.splitlines) breaks lines."""
_LARGEST_NUMBER = (1 << 64) - 1
"""Of a decimal-integer (RFC 8216, 4.2)."""
_LONGEST_SECONDS = 1e9
"""Thirty years: above, a duration is nonsense."""
_LARGEST_SIDE = 1 << 16
"""Pixels; what a video's sample entry can hold (ISO/IEC 14496-12, 12.1.3)."""
_FURTHEST_BYTE = (1 << 63) - 1
"""No file ends behind it (lseek(2))."""
_STREAM_INF = "#EXT-X-STREAM-INF"


class Unreadable(Exception):
    """A playlist cannot be used; the message says why, without its name."""


@dataclass(frozen=True)
class Segment:
    """One EXTINF. `path` is None for a gap; `span` is offset and length, None for the whole file."""

    uri: str
    path: Path | None
    seconds: float
    init: Path | None
    span: tuple[int, int] | None


@dataclass(frozen=True)
class MediaPlaylist:
    """One media playlist. `text` is as it stands, for tags that are there or not."""

    path: Path
    text: str
    target_seconds: int | None
    ended: bool
    kind: str
    iframes_only: bool
    encrypted: bool
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Variant:
    """One EXT-X-STREAM-INF; missing attributes are None or ""."""

    uri: str
    bandwidth: int | None
    average: int | None
    codecs: str
    resolution: tuple[int, int] | None
    frame_rate: float | None
    audio: str
    subtitles: str


@dataclass(frozen=True)
class Rendition:
    """One EXT-X-MEDIA with an address."""

    uri: str
    kind: str
    group: str
    name: str
    language: str
    channels: str
    default: bool


@dataclass(frozen=True)
class Master:
    """A master playlist."""

    path: Path
    text: str
    variants: tuple[Variant, ...]
    renditions: tuple[Rendition, ...]
    iframes: tuple[str, ...]


def is_master(path: Path) -> bool:
    """Whether a playlist names others rather than segments. Raises Unreadable."""
    return _STREAM_INF in _text(path)


def top_playlist(path: Path) -> Path:
    """The playlist that a file is or a folder begins with: a master playlist before any other. Raises Unreadable."""
    if not path.is_dir():
        return path
    playlists = sorted(
        path.glob("*.m3u8"), key=lambda playlist: (playlist.name != "master.m3u8", playlist.name)
    )
    if not playlists:
        raise Unreadable(f"There is no playlist (*.m3u8) in {path}.")
    return next((playlist for playlist in playlists if _is_master_at_all(playlist)), playlists[0])


def _is_master_at_all(path: Path) -> bool:
    with suppress(Unreadable):
        return is_master(path)
    return False


def master(path: Path) -> Master:
    """The master playlist in `path`. Raises Unreadable."""
    text = _text(path)
    parsed = _parsed(text)
    return Master(
        path,
        text,
        tuple(_variant(playlist) for playlist in parsed.playlists),
        tuple(_rendition(media) for media in parsed.media if media.uri),
        tuple(playlist.uri for playlist in parsed.iframe_playlists if playlist.uri),
    )


def media(path: Path, root: Path) -> MediaPlaylist:
    """The media playlist in `path`, whose files must lie below `root`. Raises Unreadable."""
    text = _text(path)
    parsed = _parsed(text)
    return MediaPlaylist(
        path=path,
        text=text,
        target_seconds=_decimal(parsed.target_duration),
        ended=bool(parsed.is_endlist),
        kind=(parsed.playlist_type or "").upper(),
        iframes_only=bool(parsed.is_i_frames_only),
        encrypted=any(key is not None and key.method not in (None, "NONE") for key in parsed.keys),
        segments=tuple(_segments(parsed, path.parent, root)),
    )


def below(root: Path, folder: Path, uri: str) -> Path:
    """The file that `uri` names. Raises Unreadable when it is elsewhere: another server, or outside `root`."""
    try:
        parts = urlsplit(uri)
        path = (folder / unquote(parts.path)).resolve()
        is_inside = path.is_relative_to(root.resolve())
    except (ValueError, OSError, RuntimeError) as error:  # no address; too long a name; links in a circle
        raise Unreadable(f"it names {uri!r}, which is not the address of a file") from error
    if parts.scheme or parts.netloc:
        raise Unreadable(f"it names {uri!r}, which is on another server")
    if not is_inside:
        raise Unreadable(f"it names {uri!r}, which lies outside the stream's folder")
    return path


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise Unreadable("it is not there" if not path.exists() else "it is not a file")
        if path.stat().st_size > _LARGEST_PLAYLIST_BYTES:
            raise Unreadable("it is far too large for a playlist")
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8
        raise Unreadable(f"it cannot be read ({error})") from error
    if not text.startswith("#EXTM3U"):
        raise Unreadable("it does not begin with #EXTM3U (RFC 8216, 4.3.1.1)")
    if sum(map(text.count, _LINE_ENDS)) > _MOST_LINES:
        raise Unreadable(f"it has more than {_MOST_LINES} lines")
    return text


def _parsed(text: str) -> Any:
    try:
        return m3u8.loads(text)
    except Exception as error:  # the parser fails in many ways: KeyError, ValueError, IndexError ...
        raise Unreadable(f"it cannot be parsed ({type(error).__name__}: {error})") from error


def _segments(parsed: Any, folder: Path, root: Path) -> list[Segment]:
    segments = []
    end_of_last: Mapping[str, int] = {}
    resolved: dict[str, Path] = {}

    def file(uri: str) -> Path:
        if uri not in resolved:
            resolved[uri] = below(root, folder, uri)
        return resolved[uri]

    for entry in parsed.segments:
        init = file(_uri(entry.init_section.uri)) if entry.init_section is not None else None
        uri = _uri(entry.uri)
        span = _span(entry.byterange, end_of_last.get(uri, 0)) if entry.byterange else None
        end_of_last = {uri: sum(span)} if span else {}
        path = None if entry.gap_tag else file(uri)
        segments.append(Segment(uri, path, _seconds(entry.duration), init, span))
    return segments


def _uri(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Unreadable("a segment or its init segment has no address")
    return value


def _seconds(value: Any) -> float:
    seconds = float(value or 0)
    if not math.isfinite(seconds) or not 0 <= seconds <= _LONGEST_SECONDS:
        raise Unreadable(f"it says that a segment lasts {seconds} s")
    return seconds


def _decimal(value: Any) -> int | None:
    """A decimal-integer (RFC 8216, 4.2), None when it is missing."""
    if value is None:
        return None
    number = int(value)
    if not 0 <= number <= _LARGEST_NUMBER:
        raise Unreadable("a number in it is out of range")
    return number


def _span(byte_range: str, follows: int) -> tuple[int, int]:
    """EXT-X-BYTERANGE: length[@offset]; without an offset it follows the one before (RFC 8216, 4.3.2.2)."""
    length, _, offset = byte_range.partition("@")
    try:
        start, count = (int(offset) if offset else follows), int(length)
    except ValueError:
        raise Unreadable(f"{byte_range!r} is not a byte range") from None
    if start < 0 or count < 0 or start + count > _FURTHEST_BYTE:
        raise Unreadable(f"{byte_range!r} is not a byte range")
    return start, count


def _variant(playlist: Any) -> Variant:
    info = playlist.stream_info
    resolution = info.resolution
    if resolution is not None and not all(0 < side <= _LARGEST_SIDE for side in resolution):
        raise Unreadable("a RESOLUTION in it is invalid")
    return Variant(
        _uri(playlist.uri), _decimal(info.bandwidth), _decimal(info.average_bandwidth), info.codecs or "",
        resolution, _frame_rate(info.frame_rate), info.audio or "", info.subtitles or "",
    )  # fmt: skip


def _frame_rate(value: Any) -> float | None:
    with suppress(TypeError, ValueError):
        return float(value)
    return None


def _rendition(media: Any) -> Rendition:
    return Rendition(media.uri, media.type or "", media.group_id or "", media.name or "", media.language or "",
                     media.channels or "", media.default == "YES")  # fmt: skip
