"""Publishes: stable names that point at artifacts, `video.json`, the page.

Derived from a `Publication` each time, and replaced whole. Files are written in the reverse of the order in
which a player reads them: segments are there before the playlists that name them, these before the
master playlist, that before `video.json` and the catalogue that lead people to it.
"""

import datetime as dt
import importlib.resources
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.publication import Publication, Report
from vlogd.site.catalog import Catalog
from vlogd.storage.library import VIDEO, Library


class Publisher:
    """Writes what viewers get from one library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self.catalog = Catalog(library)

    def install_site(self) -> None:
        """Put the page and its assets in place, and write the catalogue of what is already published."""
        self._library.root.mkdir(parents=True, exist_ok=True)
        files.sweep_temporary(self._library.root, "")
        files.sweep_temporary(self._library.root / "assets", "")
        _install(importlib.resources.files("vlogd.site") / "static", self._library.root)
        self.catalog.write()

    def publish(self, publication: Publication) -> None:
        """Bring everything that viewers see of one item up to date, except the catalogue file: see `Catalog.write`."""
        home = self._library.folder(publication.item)
        home.mkdir(parents=True, exist_ok=True)
        names: list[str] = []
        for shown in publication.views.values():
            folder = home / shown.folder
            for name, data in shown.view.files.items():
                files.write_if_changed(folder / name, data)
            for name, content in shown.view.names.items():
                data = content if isinstance(content, bytes) else (folder / content).read_bytes()
                files.write_if_changed(home / name, data)
                names.append(name)
        document = _document(publication.report, publication.facts, sorted(names))
        self._retire(home, names)
        files.write_if_changed(home / VIDEO, files.json_bytes(document))
        self.catalog.add(document)

    def _retire(self, home: Path, names: Sequence[str]) -> None:
        """Remove stable names that the last `video.json` had and this one has not."""
        with suppress(OSError, ValueError, KeyError):
            for name in files.read_json(home / VIDEO)["files"]:
                if name not in names and "/" not in name:
                    (home / name).unlink(missing_ok=True)


def _document(report: Report, facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The content of `video.json`."""
    value: dict[str, Any] = {
        "id": report.id,
        "slug": report.slug,
        "title": report.title,
        "status": report.status,
        "progress": int(report.progress),
        "playable": report.playable,
        "duration_seconds": None,
        "width": None,
        "height": None,
        "audio_only": False,
        "stream": None,
        "poster": None,
        "captions": [],
        "renditions": [],
    }
    value |= facts
    value |= {
        "error": report.error,
        "notes": list(report.notes),
        "stages": {
            name: {"status": one.status, "progress": int(one.progress), "error": one.error}
            for name, one in report.stages.items()
        },
        "files": list(names),
        "added_at": _iso(report.added_at),
        "ready_at": _iso(report.ready_at) if report.ready_at is not None else None,
    }
    return value


def _iso(epoch_seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(int(epoch_seconds), dt.UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _install(source: Traversable, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_dir():
            _install(entry, target / entry.name)
        elif not entry.name.endswith((".py", ".pyc")):
            files.write_if_changed(target / entry.name, entry.read_bytes())
