"""The library on disk: items' folders, unfinished steps, artifacts. The disk is the truth.

    <library>/videos/<slug>/<stage>-<fingerprint>/
        …files…                delivered whole, one by one
        view.json              what publishing needs of the artifact
        artifact.json          appears by rename: the only commit point
    <library>/.workshop/       receipts, private artifacts, the trash: see `workshop.py`

`artifact.json` keeps the receipts of all parts, so an artifact that lost a file falls back to an
unfinished step in which only the parts with missing files are to be done again.
"""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vlogd.core import digest, files
from vlogd.core.errors import Malformed
from vlogd.core.model import Artifact, FileMark, Item, Receipt, View
from vlogd.storage.library_documents import (
    ARTIFACT,
    ARTIFACT_FORMAT,
    RECEIPT_FORMAT,
    VIEW,
    VIEW_FORMAT,
    ArtifactDocument,
)
from vlogd.storage.workshop import Workshop

VIDEOS = "videos"
VIDEO = "video.json"

_EARLIER_RECEIPTS = "parts"
"""The folder inside a step's folder that held its receipts up to 0.1.0."""


class Library:
    """Reads and writes below one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workshop = Workshop(root)

    def folder(self, item: Item) -> Path:
        """The item's public folder."""
        return self.root / VIDEOS / item.slug

    def step_folder(self, item: Item, name: str, *, private: bool) -> Path:
        """The folder of a step: in the public tree, or in the workshop for a private stage."""
        return (self.workshop.private(item.slug) if private else self.folder(item)) / name

    def artifact_folder(self, item: Item, artifact: Artifact) -> Path:
        """The folder of an artifact."""
        return self.step_folder(item, artifact.folder, private=artifact.private)

    def artifacts(self, item: Item) -> list[Artifact]:
        """The item's whole artifacts: `artifact.json` is there and every file has its size.

        Raises NewerFormat and OSError; FileNotFoundError only means that there is none.
        """
        return [artifact for artifact in self.finished(item) if not artifact.missing]

    def finished(self, item: Item, *, strict: bool = False) -> list[Artifact]:
        """All artifacts whose `artifact.json` can be read, also those that have lost files since.

        A damaged `artifact.json` counts as none, so that its step is done again, or raises Malformed if `strict`.
        Raises NewerFormat and OSError; FileNotFoundError only means that there is none.
        """
        candidates = (self._artifact(item, folder, strict=strict) for folder in self._step_folders(item))
        return [artifact for artifact in candidates if artifact is not None]

    def begun(self, item: Item) -> frozenset[str]:
        """The names of the item's step folders, finished or not. Raises OSError."""
        return frozenset(folder.name for folder in self._step_folders(item))

    def receipts(self, item: Item, folder: Path) -> dict[str, Receipt]:
        """The receipts of a step whose files are all there, by part name. `folder` is the step's."""
        receipts: list[Receipt] = []
        for place in self._receipt_folders(item, folder):
            for path in sorted(place.glob("*.json")):
                with suppress(FileNotFoundError, Malformed):  # its part is done again
                    receipts.append(RECEIPT_FORMAT.read(path).value)
        document = _read_artifact(folder)
        receipts += document.receipts if document is not None else ()
        return {receipt.part: receipt for receipt in receipts if _is_whole(folder, receipt.files)}

    def names(self, folder: Path) -> frozenset[str]:
        """The names of the whole files in a step's folder, relative to it."""
        return frozenset(
            str((Path(parent) / name).relative_to(folder))
            for parent, _, names in os.walk(folder)
            for name in names
            if not name.startswith(files.TEMPORARY_PREFIX)
        )

    def save_receipt(self, item: Item, folder: Path, receipt: Receipt) -> None:
        """Record that a part is done. Its files are already in place and synced."""
        self.workshop.open()
        place = self.workshop.receipts(item.slug, folder.name)
        place.mkdir(parents=True, exist_ok=True)
        RECEIPT_FORMAT.write(place / f"{receipt.part}.json", receipt)

    def commit(
        self,
        item: Item,
        folder: Path,
        recipe: Mapping[str, Any],
        receipts: Collection[Receipt],
        view: View,
    ) -> Artifact:
        """Make the step an artifact: write its derived files and its view, then `artifact.json`, the commit.

        The view is kept with it: an earlier artifact stays published when the code or the
        artifacts that it was made from have moved on.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in view.files.items():
            files.write_if_changed(folder / name, data)
        derived = {name: FileMark(len(data), digest.of_bytes(data)) for name, data in view.files.items()}
        ordered = tuple(sorted(receipts, key=lambda receipt: receipt.part))
        marks = {name: mark for receipt in ordered for name, mark in receipt.files.items()} | derived
        document = ArtifactDocument(
            stage=recipe["stage"],
            fingerprint=folder.name.rpartition("-")[2],
            digest=digest.of_json({name: mark.sha256 for name, mark in marks.items()}),
            recipe=recipe,
            receipts=ordered,
            derived=derived,
        )
        VIEW_FORMAT.write(folder / VIEW, view)
        ARTIFACT_FORMAT.write(folder / ARTIFACT, document)
        self._forget_receipts(item, folder)
        artifact = self._artifact(item, folder)
        if artifact is None or artifact.missing:
            raise FileNotFoundError(f"{folder} lost files while it was being finished")
        return artifact

    def faults(self, item: Item, *, deep: bool) -> Iterator[tuple[Path, str]]:
        """Files of the item's artifacts that are missing or changed, each with what is wrong; `deep` compares their digests too."""
        for folder in self._step_folders(item):
            document = _read_artifact(folder)
            if document is None:
                continue
            if not _has_view(folder, document):
                yield folder / VIEW, "is missing or damaged"
            for name, mark in document.files():
                path = folder / name
                if not path.is_file():
                    yield path, "is missing"
                elif path.stat().st_size != mark.size_bytes:
                    yield path, f"has {path.stat().st_size} bytes instead of {mark.size_bytes}"
                elif deep and digest.of_file(path) != mark.sha256:
                    yield path, "has other bytes than it was made with"

    def is_others(self, slug: str, item_id: str) -> bool:
        """Whether a folder with this name, published or in the trash, is not this item's. Raises OSError."""
        public, removed = self.root / VIDEOS / slug, self.workshop.in_trash(slug)
        return any(os.path.lexists(home) and _owner(home) != item_id for home in (public, removed, public))

    def strangers(self, slugs: Collection[str]) -> Iterator[Path]:
        """Folders of videos whose slug is not among these."""
        with suppress(FileNotFoundError):
            yield from (path for path in sorted((self.root / VIDEOS).iterdir()) if path.name not in slugs)

    def view(self, item: Item, artifact: Artifact) -> View:
        """The view of an artifact, as stored when it was committed. Raises FileNotFoundError when it is gone."""
        folder = self.artifact_folder(item, artifact)
        with suppress(FileNotFoundError):
            return VIEW_FORMAT.read(folder / VIEW).value
        document = ARTIFACT_FORMAT.read(folder / ARTIFACT).value
        if document.view is None:
            raise FileNotFoundError(f"{folder / VIEW} is missing")
        return document.view

    def sweep(self, item: Item, keep: Collection[str], grace_seconds: float) -> float | None:
        """Clean up an item with nothing left to do, all of which could be made again from its original.

        Removes step folders not named in `keep` and untouched for `grace_seconds`, and receipts that a crash left
        of finished steps. When the next folder is to be removed (epoch seconds); None when none is left.
        """
        due: list[float] = []
        for folder in self._step_folders(item):
            if folder.name in keep:
                self._forget_receipts(item, folder)
            elif (end := _touched(folder) + grace_seconds) < time.time():
                shutil.rmtree(folder, ignore_errors=True)
                self._forget_receipts(item, folder)
                due += [time.time() + max(grace_seconds, 0.0)] if folder.exists() else []
            else:
                due.append(end)
        left = {folder.name for folder in self._step_folders(item)}
        for name in self.workshop.receipt_folders(item.slug):
            if name not in left:
                self.workshop.forget_receipts(item.slug, name)
        return min(due, default=None)

    def discard(self, item: Item) -> None:
        """Move the item to the trash, which only vlogd may read. Harmless when it is not there."""
        self.workshop.discard(self.folder(item))

    def restore(self, item: Item) -> None:
        """Bring the item back, if it is in the trash and no new one has been started."""
        self.workshop.restore(self.folder(item))

    def _receipt_folders(self, item: Item, folder: Path) -> tuple[Path, Path]:
        return folder / _EARLIER_RECEIPTS, self.workshop.receipts(item.slug, folder.name)

    def _forget_receipts(self, item: Item, folder: Path) -> None:
        shutil.rmtree(folder / _EARLIER_RECEIPTS, ignore_errors=True)
        self.workshop.forget_receipts(item.slug, folder.name)

    def _step_folders(self, item: Item) -> list[Path]:
        """The item's step folders, public and private ones: `<stage>-<fingerprint>`."""
        return [*_folders(self.folder(item)), *_folders(self.workshop.private(item.slug))]

    def _artifact(self, item: Item, folder: Path, *, strict: bool = False) -> Artifact | None:
        document = _read_artifact(folder, strict=strict)
        if document is None:
            return None
        missing = _missing(folder, document.files())
        if not _has_view(folder, document):
            missing.append(VIEW)  # it is written again from the receipts
        made_at = (folder / ARTIFACT).stat().st_mtime
        return Artifact(
            item_id=item.id,
            stage=document.stage,
            fingerprint=document.fingerprint,
            digest=document.digest,
            recipe=document.recipe,
            made_at=made_at,
            private=folder.parent == self.workshop.private(item.slug),
            missing=tuple(sorted(missing)),
        )


def _owner(home: Path) -> str | None:
    """The id in a video's published document; None when it cannot be read."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        content = files.read_json(home / VIDEO)
        return str(content["id"]) if isinstance(content, dict) and "id" in content else None
    return None


def _read_artifact(folder: Path, *, strict: bool = False) -> ArtifactDocument | None:
    """The folder's `artifact.json`; None when it is missing or, unless `strict`, damaged: the step is done again."""
    try:
        return ARTIFACT_FORMAT.read(folder / ARTIFACT).value
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Malformed:
        if strict:
            raise
        return None


def _has_view(folder: Path, document: ArtifactDocument) -> bool:
    """Whether the view can be read. Raises NewerFormat and OSError."""
    if document.view is not None:
        return True
    with suppress(FileNotFoundError, Malformed):
        VIEW_FORMAT.read(folder / VIEW)
        return True
    return False


def _is_whole(folder: Path, marks: Mapping[str, FileMark]) -> bool:
    """Whether every file is there with its size (its bytes were digested when delivered)."""
    return not _missing(folder, marks.items())


def _missing(folder: Path, marks: Iterable[tuple[str, FileMark]]) -> list[str]:
    """The names of those files that are not there, or have another size. Raises OSError when a disk fails."""
    return [name for name, mark in marks if _size_bytes(f"{folder}/{name}") != mark.size_bytes]


def _size_bytes(path: str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - ten thousand times
    except (FileNotFoundError, NotADirectoryError):
        return None


def _folders(folder: Path) -> Iterator[Path]:
    """The step folders in a folder."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if "-" in entry.name and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _touched(folder: Path) -> float:
    """The newest change time in a folder, epoch seconds."""
    inside = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return max((path.lstat().st_mtime for path in [folder, *inside] if path.exists()), default=0.0)
