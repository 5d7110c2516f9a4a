"""`.vlogd-item.json`: an item as it is kept beside its original, from which a lost journal is rebuilt.

The source of a dropped file is the key `original`, as in all versions; other sources are the object `source`, which the
journal keeps as well.
"""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from vlogd.core import typed_json
from vlogd.core.documents import DocumentFormat
from vlogd.core.model import Composition, File, Item, Link, Source

NAME = ".vlogd-item.json"

_LIMIT_BYTES = 8 << 20
"""An edit list of a thousand cuts takes some hundred KiB; nothing else in an item is large."""

_MOST_BYTES = (1 << 63) - 1
"""What a database holds in one number, and a file system in one file (off_t)."""

_TEXTS = ("id", "title", "slug", "inbox")


def source_to_json(source: Link | Composition) -> dict[str, Any]:
    """Any source but a file as plain data."""
    match source:
        case Link(url):
            return {"kind": "link", "url": url}
        case Composition(edit):
            return {"kind": "composition", "edit": typed_json.serialise(edit)}


def source_from_json(value: Any) -> Link | Composition:
    """The source that plain data describes. Raises ValueError."""
    match value:
        case {"kind": "link", "url": str(url)}:
            return Link(url)
        case {"kind": "composition", "edit": dict(edit)}:
            return Composition(edit)
    raise ValueError("`source` is neither a link nor a composition")


def _serialise(item: Item) -> Mapping[str, Any]:
    source = (
        {"original": item.source.original}
        if isinstance(item.source, File)
        else {"source": source_to_json(item.source)}
    )
    return {
        **{key: getattr(item, key) for key in _TEXTS},
        **source,
        "digest": item.digest,
        "size_bytes": item.size_bytes,
        "accepted_at": item.accepted_at,
    }


def _parse(content: Mapping[str, Any]) -> Item:
    id_, title, slug, inbox = (_text(content, key) for key in _TEXTS)
    size_bytes = typed_json.parse(int, content["size_bytes"], "size_bytes")
    accepted_at = typed_json.parse(float, content["accepted_at"], "accepted_at")
    if not (0 <= size_bytes <= _MOST_BYTES and math.isfinite(accepted_at)):
        raise ValueError("`size_bytes` or `accepted_at` is out of range")
    return Item(
        id=_name(id_, "id"),
        title=title,
        slug=_name(slug, "slug"),
        inbox=inbox,
        source=_source(content),
        digest=_text(content, "digest"),
        size_bytes=size_bytes,
        accepted_at=accepted_at,
    )


def _text(content: Mapping[str, Any], key: str) -> str:
    """A string that can be written as UTF-8, as the journal and the page do; only paths need not be."""
    text = typed_json.parse(str, content[key], key)
    text.encode()
    return text


def _source(content: Mapping[str, Any]) -> Source:
    if "source" in content:
        return source_from_json(content["source"])
    original = typed_json.parse(str, content["original"], "original")
    if "\0" in original or ".." in PurePosixPath(original).parts or original.startswith("/"):
        raise ValueError("`original` leads out of the originals folder")
    return File(original)


def _name(value: str, key: str) -> str:
    """A string that names a folder inside another one, never one outside it."""
    if not value or value in (".", "..") or "/" in value or "\0" in value:
        raise ValueError(f"`{key}` cannot name a folder")
    return value


FORMAT: DocumentFormat[Item] = DocumentFormat(
    "the item",
    _parse,
    _serialise,
    limit_bytes=_LIMIT_BYTES,
    advice="Restore that file from a backup, or move its folder elsewhere and drop the video again.",
)
