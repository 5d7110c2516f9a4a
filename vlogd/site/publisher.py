"""Publishes: stable names that point at artifacts, `video.json`, the page.

Derived from a `Publication` each time, and replaced whole. Changes come in the reverse of the order in
which a player reads the files: segments are there before the playlists that name them, these before the
master playlist, that before `video.json` and the catalogue that lead people to it.
"""

import importlib.resources
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable
from pathlib import Path

from vlogd.core import files
from vlogd.core.documents import Document
from vlogd.core.errors import Malformed
from vlogd.core.publication import Publication, StageView
from vlogd.site import document
from vlogd.site.catalog import Catalog
from vlogd.site.document import VIDEO_FORMAT, VideoDocument
from vlogd.site.targets.contract import (
    Change,
    FileAdded,
    FileRemoved,
    FileWritten,
    FolderRemoved,
    Target,
)
from vlogd.site.targets.local import LocalFolder
from vlogd.storage.library import VIDEO, VIDEOS, Library
from vlogd.storage.library_documents import ARTIFACT, VIEW

_PLAYLIST = ".m3u8"
"""The files of a finished step that name others of it."""


@dataclass(frozen=True)
class Published:
    """What a publishing did. `before` is None when the video was not published yet."""

    before: VideoDocument | None
    after: VideoDocument


class Publisher:
    """Publishes one library: to its own folder, and then to `targets` elsewhere."""

    def __init__(self, library: Library, targets: Sequence[Target] = ()) -> None:
        self._library = library
        self._local = LocalFolder(library.root)
        self._targets = targets
        self._added: dict[str, frozenset[Path]] = {}
        self._pending: list[Change] = []
        self.catalog = Catalog(library, self._apply)

    def install_site(self) -> None:
        """Put the page and its assets in place, and write the catalogue of what is already published."""
        self._library.root.mkdir(parents=True, exist_ok=True)
        files.sweep_temporary(self._library.root, "")
        files.sweep_temporary(self._library.root / "assets", "")
        self._apply([*_site(importlib.resources.files("vlogd.site") / "static", Path())])
        self.catalog.write()

    def withdraw(self, slug: str) -> None:
        """Take a video off the page, before its folder goes to the trash."""
        self._added.pop(slug, None)
        self.catalog.remove(slug)
        self._apply([FolderRemoved(Path(VIDEOS, slug))])

    def publish(self, publication: Publication) -> Published:
        """Bring everything that viewers see of one item up to date, except the catalogue file: see `Catalog.write`.

        Raises OSError, and ValueError when a stage's facts have values of a wrong type.
        """
        home = self._library.folder(publication.item)
        before = _published(home / VIDEO)
        changes, names = self._changes(publication)
        report, facts = publication.report, publication.facts
        if publication.keeps_earlier and before is not None:
            shown = {*names, *publication.withdrawn}
            names += [name for name in before.value.files if name not in shown and _is_there(home, name)]
            facts = {**document.facts_of(before), **facts}
            report = replace(report, playable=bool(facts["playable"]))
        built = document.build(report, facts, names)
        retired = [name for name in (before.value.files if before else ()) if name not in names]
        place = Path(VIDEOS, publication.item.slug)
        changes.append(FileWritten(place / VIDEO, VIDEO_FORMAT.encode(built.value, built.unknown)))
        changes += [FileRemoved(place / name) for name in retired if _is_inside(name)]
        self._apply(changes)
        self.catalog.add(built.value)
        return Published(before.value if before else None, built.value)

    def _changes(self, publication: Publication) -> tuple[list[Change], list[str]]:
        """All files but `video.json` in the order in which they must appear, and the stable names.

        Of a name that several stages claim, the last stage's counts: `master.m3u8` of the one that adds subtitles.
        """
        item, home = publication.item, self._library.folder(publication.item)
        changes: list[Change] = [*self._files_added(publication)] if self._targets else []
        named: dict[str, bytes] = {}
        kept: set[str] = set()
        for shown in publication.views.values():
            folder = home / shown.folder
            for name, data in shown.view.files.items():
                changes.append(FileWritten(Path(VIDEOS, item.slug, shown.folder, name), data))
            for name, content in shown.view.names.items():
                made = content if isinstance(content, bytes) else _bytes(folder / content)
                if made is not None:
                    named.pop(name, None)
                    named[name] = made
                elif (home / name).exists():  # its copy stays as it is
                    named.pop(name, None)
                    kept.add(name)
        changes += [FileWritten(Path(VIDEOS, item.slug, name), data) for name, data in named.items()]
        return changes, [*named, *sorted(kept - named.keys())]

    def _files_added(self, publication: Publication) -> Iterator[FileAdded]:
        """The files that were finished since the last publishing; all of them at the first one of this process."""
        slug = publication.item.slug
        home = self._library.folder(publication.item)
        finished = frozenset(path for shown in publication.views.values() for path in _finished(home, shown))
        new = finished - self._added.pop(slug, frozenset())
        for path in sorted(new, key=lambda path: (path.suffix == _PLAYLIST, path)):
            yield FileAdded(Path(VIDEOS, slug) / path)
        if any(stage.status in ("queued", "running") for stage in publication.report.stages.values()):
            self._added[slug] = finished

    def _apply(self, changes: Sequence[Change]) -> None:
        """Apply changes to the library's folder, and what changed there to the targets."""
        changed = self._local.apply(changes)
        if not self._targets:
            return
        self._pending += changed
        for target in self._targets:
            target.apply(self._pending)
        self._pending = []


def _finished(home: Path, shown: StageView) -> Iterator[Path]:
    """The files of a stage's folder that will not change. Playlists of a growing stream are among its view's files."""
    folder = home / shown.folder
    for path in folder.rglob("*"):
        is_ours = path.name in (ARTIFACT, VIEW) or path.name.startswith(files.TEMPORARY_PREFIX)
        if not is_ours and str(path.relative_to(folder)) not in shown.view.files and path.is_file():
            yield path.relative_to(home)


def _published(path: Path) -> Document[VideoDocument] | None:
    """The last `video.json`; None when there is none, or it is damaged: it is written anew then."""
    with suppress(FileNotFoundError, Malformed):
        return VIDEO_FORMAT.read(path)
    return None


def _bytes(path: Path) -> bytes | None:
    """The file's content; None when it was lost since the survey: the next survey notices."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def _is_there(home: Path, name: str) -> bool:
    return _is_inside(name) and (home / name).is_file()


def _is_inside(name: str) -> bool:
    """Whether a stable name stays inside the video's folder."""
    parts = Path(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts


def _site(source: Traversable, target: Path) -> Iterator[Change]:
    """The page's files, `index.html` last: it names the assets."""
    entries = sorted(source.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
    for entry in entries:
        if entry.is_dir():
            yield from _site(entry, target / entry.name)
        elif not entry.name.endswith((".py", ".pyc")):
            yield FileWritten(target / entry.name, entry.read_bytes())
