"""Reads HLS playlists that anybody may have written. Nothing outside the stream's folder is ever opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import m3u8

_LARGEST_PLAYLIST_BYTES = 64 << 20


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
    """One EXT-X-STREAM-INF; what it did not say is None or ""."""

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
    """Whether a playlist names others rather than segments."""
    return "#EXT-X-STREAM-INF" in _text(path)


def top_playlist(path: Path) -> Path:
    """The playlist that a file is or a folder begins with: a master playlist before any other."""
    if path.is_file():
        return path
    found = sorted(path.glob("*.m3u8"), key=lambda one: (one.name != "master.m3u8", one.name))
    if not found:
        raise Unreadable(f"There is no playlist (*.m3u8) in {path}.")
    masters = [one for one in found if "#EXT-X-STREAM-INF" in one.read_text("utf-8", "replace")]
    return (masters or found)[0]


def master(path: Path) -> Master:
    """The master playlist in `path`. Raises Unreadable."""
    text = _text(path)
    found = _parsed(text)
    return Master(
        path,
        text,
        tuple(_variant(one) for one in found.playlists),
        tuple(_rendition(one) for one in found.media if one.uri),
        tuple(one.uri for one in found.iframe_playlists),
    )


def media(path: Path, root: Path) -> MediaPlaylist:
    """The media playlist in `path`, whose files must lie below `root`. Raises Unreadable."""
    text = _text(path)
    found = _parsed(text)
    return MediaPlaylist(
        path=path,
        text=text,
        target_seconds=found.target_duration,
        ended=bool(found.is_endlist),
        kind=(found.playlist_type or "").upper(),
        iframes_only=bool(found.is_i_frames_only),
        encrypted=any(key is not None and key.method not in (None, "NONE") for key in found.keys),
        segments=tuple(_segments(found, path.parent, root)),
    )


def below(root: Path, folder: Path, uri: str) -> Path:
    """The file that `uri` names. Raises Unreadable when it is elsewhere: another server, or outside `root`."""
    parts = urlsplit(uri)
    if parts.scheme or parts.netloc:
        raise Unreadable(f"it names {uri!r}, which is on another server")
    path = (folder / unquote(parts.path)).resolve()
    if not path.is_relative_to(root.resolve()):
        raise Unreadable(f"it names {uri!r}, which lies outside the stream's folder")
    return path


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_PLAYLIST_BYTES:
            raise Unreadable("it is far too large for a playlist")
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise Unreadable("it is not there") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"it cannot be read ({error})") from error
    if not text.startswith("#EXTM3U"):
        raise Unreadable("it does not begin with #EXTM3U (RFC 8216, 4.3.1.1)")
    return text


def _parsed(text: str) -> Any:
    try:
        return m3u8.loads(text)
    except Exception as error:
        raise Unreadable(f"it cannot be parsed ({error})") from error


def _segments(found: Any, folder: Path, root: Path) -> list[Segment]:
    segments = []
    end_of_last: Mapping[str, int] = {}
    for one in found.segments:
        gap = bool(one.gap_tag)
        init = below(root, folder, one.init_section.uri) if one.init_section is not None else None
        span = _span(one.byterange, end_of_last.get(one.uri, 0)) if one.byterange else None
        end_of_last = {one.uri: sum(span)} if span else {}
        path = None if gap else below(root, folder, one.uri)
        segments.append(Segment(one.uri, path, float(one.duration or 0), init, span))
    return segments


def _span(said: str, follows: int) -> tuple[int, int]:
    """EXT-X-BYTERANGE: length[@offset]; without an offset it follows the one before (RFC 8216, 4.3.2.2)."""
    length, _, offset = said.partition("@")
    return (int(offset) if offset else follows), int(length)


def _variant(one: Any) -> Variant:
    about = one.stream_info
    return Variant(
        one.uri, about.bandwidth, about.average_bandwidth, about.codecs or "", about.resolution,
        float(about.frame_rate) if about.frame_rate else None, about.audio or "", about.subtitles or "",
    )  # fmt: skip


def _rendition(one: Any) -> Rendition:
    return Rendition(one.uri, one.type or "", one.group_id or "", one.name or "", one.language or "",
                     one.channels or "", one.default == "YES")  # fmt: skip
