"""What viewers see: stable names that point at artifacts, `video.json`, the catalogue, the site.

Derived from the survey each time, and replaced whole. The order of writing is the order in which
a player reads backwards: segments are there before the playlists that name them, these before the
master playlist, that before `video.json` and the catalogue that lead people to it.
"""

import datetime as dt
import importlib.resources
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.model import Item, View
from vlogd.engine.status import Progress, Report, report
from vlogd.engine.survey import Survey
from vlogd.stages.contract import Stage, Work
from vlogd.storage.library import VIDEO, VIDEOS, Library

CATALOG = "catalog.json"


@dataclass(frozen=True)
class Growing:
    """An unfinished step: its work and the names of the files that are whole."""

    stage: Stage
    work: Work
    have: frozenset[str]


class Front:
    """Writes the viewers' side of one library."""

    def __init__(self, library: Library, stages: Sequence[Stage]) -> None:
        self._library = library
        self._stages = stages
        self._catalog: dict[str, dict[str, Any]] = {}
        self._has_read = False
        self._is_stale = True

    def install_site(self) -> None:
        """Put the page and its assets in place, and write the catalogue of what is already published."""
        self._library.root.mkdir(parents=True, exist_ok=True)
        files.sweep_temporary(self._library.root, "")
        files.sweep_temporary(self._library.root / "assets", "")
        _install(importlib.resources.files("vlogd.site") / "static", self._library.root)
        self.write_catalog()

    def finish(self) -> None:
        """Write the catalogue's last state; nothing when what is published was never read."""
        if self._has_read:
            self.write_catalog()

    def views(self, survey: Survey, growing: Mapping[str, Growing]) -> dict[str, View]:
        """What each stage shows now: its artifact on the air, or else its growing step."""
        views: dict[str, View] = {}
        for stage in self._stages:
            if stage.name in survey.on_air:
                with suppress(FileNotFoundError, ValueError, KeyError):
                    views[stage.name] = self._library.view(survey.item, survey.on_air[stage.name])
            elif stage.name in growing:
                step = growing[stage.name]
                views[stage.name] = step.stage.view(step.work, step.have)
        return views

    def tell(
        self, survey: Survey, views: Mapping[str, View], progress: Mapping[str, Progress]
    ) -> tuple[Report, dict[str, Any]]:
        """The item's report, and the facts that its views contribute to `video.json`."""
        facts = _facts([view.facts for view in views.values()])
        return report(survey, self._stages, progress, facts), facts

    def publish(
        self, survey: Survey, growing: Mapping[str, Growing], progress: Mapping[str, Progress]
    ) -> Report:
        """Bring everything that viewers see of one item up to date, but for the catalogue: see `write_catalog`."""
        home = self._library.folder(survey.item)
        home.mkdir(parents=True, exist_ok=True)
        views = self.views(survey, growing)
        told, facts = self.tell(survey, views, progress)
        names: list[str] = []
        for stage, view in views.items():
            folder = home / (
                survey.on_air[stage].folder if stage in survey.on_air else growing[stage].work.folder.name
            )
            for name, data in view.files.items():
                files.write_if_changed(folder / name, data)
            for name, put in view.names.items():
                data = put if isinstance(put, bytes) else (folder / put).read_bytes()
                files.write_if_changed(home / name, data)
                names.append(name)
        video = _video(told, facts, sorted(names))
        self._retire(home, names)
        files.write_if_changed(home / VIDEO, files.json_bytes(video))
        self._list(video)
        return told

    def forget(self, item: Item) -> None:
        """Take an item out of the catalogue."""
        if self._catalog.pop(item.slug, None) is not None:
            self._is_stale = True
            self.write_catalog()

    def _retire(self, home: Path, names: Sequence[str]) -> None:
        """Remove stable names that the last `video.json` had and this one has not."""
        with suppress(OSError, ValueError, KeyError):
            for name in files.read_json(home / VIDEO)["files"]:
                if name not in names and "/" not in name:
                    (home / name).unlink(missing_ok=True)

    def _list(self, video: Mapping[str, Any]) -> None:
        """Take an item into the catalogue."""
        row = {key: video.get(key) for key in _CATALOG_KEYS}
        self._is_stale = self._is_stale or self._catalog.get(video["slug"]) != row
        self._catalog[video["slug"]] = row

    def write_catalog(self) -> None:
        """Write the catalogue if it changed: all rows, so it takes seconds when there are a hundred thousand."""
        if not self._has_read:
            listed = dict(self._catalog)
            for path in sorted((self._library.root / VIDEOS).glob(f"*/{VIDEO}")):
                with suppress(OSError, ValueError, KeyError):
                    self._list(files.read_json(path))
            self._catalog.update(listed)
            self._has_read = True
        if not self._is_stale:
            return
        rows = sorted(
            self._catalog.values(), key=lambda row: (row["added_at"] or "", row["slug"]), reverse=True
        )
        files.write_if_changed(self._library.root / CATALOG, files.json_bytes({"videos": rows}))
        self._is_stale = False


_CATALOG_KEYS = ("id", "slug", "title", "status", "progress", "playable", "duration_seconds", "poster",
                 "audio_only", "width", "height", "error", "added_at")  # fmt: skip


def _facts(all_facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The stages' facts as one: lists of several stages are joined, anything else is by the later stage."""
    merged: dict[str, Any] = {"notes": []}
    for facts in all_facts:
        for key, value in facts.items():
            earlier = merged.get(key)
            merged[key] = (
                [*earlier, *value] if isinstance(earlier, list) and isinstance(value, list) else value
            )
    return merged


def _video(told: Report, facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The content of `video.json`."""
    value: dict[str, Any] = {
        "id": told.id,
        "slug": told.slug,
        "title": told.title,
        "status": told.status,
        "progress": int(told.progress),
        "playable": told.playable,
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
        "error": told.error,
        "notes": list(told.notes),
        "stages": {
            name: {"status": one.status, "progress": int(one.progress), "error": one.error}
            for name, one in told.stages.items()
        },
        "files": list(names),
        "added_at": _iso(told.added_at),
        "ready_at": _iso(told.ready_at) if told.ready_at is not None else None,
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
