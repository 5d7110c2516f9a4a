"""`catalog.json`: a row for every published video, newest first."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.site.document import VideoDocument
from vlogd.site.targets.contract import Change, FileWritten
from vlogd.storage.library import VIDEO, VIDEOS, Library

CATALOG = "catalog.json"

_KEYS = ("id", "slug", "title", "status", "progress", "playable", "duration_seconds", "poster",
         "audio_only", "width", "height", "error", "added_at")  # fmt: skip


class Catalog:
    """The rows in memory. What was published before this process began is read at the first writing.

    A row is a choice of keys of `video.json`, read without the check of its types: there are tens of thousands.
    """

    def __init__(self, library: Library, apply: Callable[[Sequence[Change]], None]) -> None:
        self._library = library
        self._apply = apply
        self._rows: dict[str, dict[str, Any]] = {}
        self._has_read = False
        self._is_stale = True

    def add(self, video: VideoDocument) -> None:
        """Add or replace the row of a video."""
        row = {key: getattr(video, key) for key in _KEYS}
        self._is_stale = self._is_stale or self._rows.get(video.slug) != row
        self._rows[video.slug] = row

    def remove(self, slug: str) -> None:
        """Remove a video's row and write the catalogue, so that nobody is led to a folder that goes."""
        is_listed = self._rows.pop(slug, None) is not None
        self._is_stale = self._is_stale or is_listed
        could_not_be_written = self._has_read and self._is_stale
        if is_listed or could_not_be_written:
            self.write()

    def finish(self) -> None:
        """Write the last state; nothing when what is published was never read."""
        if self._has_read:
            self.write()

    def write(self) -> None:
        """Write the catalogue if it changed: all rows, which takes seconds when there are a hundred thousand."""
        if not self._has_read:
            self._read()
        if not self._is_stale:
            return
        rows = sorted(self._rows.values(), key=lambda row: (row["added_at"] or "", row["slug"]), reverse=True)
        self._apply([FileWritten(Path(CATALOG), files.json_bytes({"videos": rows}))])
        self._is_stale = False

    def _read(self) -> None:
        """Add the rows of what is published, but for those that are newer here."""
        published: dict[str, dict[str, Any]] = {}
        for path in (self._library.root / VIDEOS).glob(f"*/{VIDEO}"):
            with suppress(
                FileNotFoundError, ValueError, KeyError, AttributeError
            ):  # it is published anew soon
                content = files.read_json(path)
                published[content["slug"]] = {key: content.get(key) for key in _KEYS}
        self._rows = published | self._rows
        self._has_read = self._is_stale = True
