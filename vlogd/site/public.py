"""What of the library web servers give to viewers, and with which headers. The one list of both.

`vlogd serve` follows it, and so does the configuration in docs/install.md, which a test compares with this file. What is
not listed is not served: the library's folders also hold what only vlogd reads, such as `artifact.json` and the words of
captions that are still being made.

The patterns are plain enough for PCRE (nginx, Apache), RE2 (Caddy) and Python. They match the path after decoding.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

_NAME = r"[^./][^/]*"
"""A file or folder: no hidden one, so neither `.` nor `..`."""

CHANGING = (
    rf"^/(?:|index\.html|catalog\.json|videos/{_NAME}/(?:(?:video|meta|chapters|words)\.json|words\.txt|"
    rf"(?:{_NAME}/)*{_NAME}\.(?:m3u8|mpd|vtt)))$"
)
"""Files that are replaced: caches ask each time whether they have changed."""

FIXED = rf"^/(?:assets/{_NAME}\.(?:css|js|svg|txt)|videos/{_NAME}/(?:{_NAME}/)*{_NAME}\.(?:m4s|mp4|ts|jpg))$"
"""Segments, pictures and the page's own files."""

TYPES: Mapping[str, str] = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "ts": "video/mp2t",
    "mp4": "video/mp4",
    "m4s": "video/iso.segment",
}
"""The media type of each file name extension that is served."""

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
}
"""Of every answer, errors included. No site but this one may put the page into a frame, and the page loads nothing foreign."""

_LOWEST_PRINTABLE, _DELETE = 0x20, 0x7F


def path_of(target: str) -> str | None:
    """The path below the library's root that a request's target leads to; None when nothing public is there.

    The target is decoded once (RFC 3986, 2.4); what a `?` begins does not count.
    """
    encoded = target.partition("?")[0]
    try:
        path = unquote(encoded, errors="strict") if encoded.isascii() else ""
    except UnicodeDecodeError:
        return None
    if any(ord(character) < _LOWEST_PRINTABLE or ord(character) == _DELETE for character in path):
        return None
    if not is_changing(path) and not re.fullmatch(FIXED, path):
        return None
    return path[1:] or "index.html"


def is_changing(path: str) -> bool:
    """Whether a path, `/` at its beginning, is one of a file that is replaced."""
    return re.fullmatch(CHANGING, path) is not None
