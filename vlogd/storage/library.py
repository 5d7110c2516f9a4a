"""The library on disk: items' folders, unfinished steps, artifacts. What is true is what lies here.

    <library>/videos/<slug>/<stage>-<fingerprint>/
        …files…                delivered whole, one by one
        parts/<part>.json      receipts, while the step is unfinished
        artifact.json          appears by rename: the only commit point

`artifact.json` keeps the receipts of all parts, so an artifact that lost a file falls back to an
unfinished step in which just the parts with missing files are to be done again.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vlogd.core import digest, files
from vlogd.core.model import Artifact, FileMark, Item, Receipt, View

VIDEOS = "videos"
VIDEO = "video.json"
TRASH = ".trash"
ARTIFACT = "artifact.json"
_FORMAT = 1

_RECEIPTS = "parts"
"""The folder inside an unfinished step's folder that holds its parts' receipts."""


class Library:
    """Reads and writes below one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, item: Item) -> Path:
        """The item's folder."""
        return self.root / VIDEOS / item.slug

    def artifacts(self, item: Item) -> list[Artifact]:
        """The item's whole artifacts: `artifact.json` is there and every file has its size."""
        found = (self._artifact(item, folder) for folder in _folders(self.folder(item)))
        return [artifact for artifact in found if artifact is not None]

    def receipts(self, folder: Path) -> dict[str, Receipt]:
        """The receipts in a step's folder whose files are all there, by part name."""
        said = [
            files.read_json(path) for path in sorted((folder / _RECEIPTS).glob("*.json")) if _readable(path)
        ]
        with suppress(FileNotFoundError, ValueError):
            said += files.read_json(folder / ARTIFACT)["parts"]
        receipts = (_receipt(value) for value in said)
        return {receipt.part: receipt for receipt in receipts if _whole(folder, receipt.files)}

    def names(self, folder: Path) -> frozenset[str]:
        """The names of the whole files in a step's folder, relative to it."""
        return frozenset(
            str((Path(parent) / name).relative_to(folder))
            for parent, _, names in os.walk(folder)
            for name in names
            if not name.startswith(files.TEMPORARY_PREFIX)
        )

    def save_receipt(self, folder: Path, receipt: Receipt) -> None:
        """Record that a part is done. Its files are already in place and synced."""
        (folder / _RECEIPTS).mkdir(parents=True, exist_ok=True)
        files.write_json(folder / _RECEIPTS / f"{receipt.part}.json", asdict(receipt))

    def commit(
        self,
        item: Item,
        folder: Path,
        recipe: Mapping[str, Any],
        receipts: Collection[Receipt],
        view: View,
    ) -> Artifact:
        """Make the step an artifact: write its derived files, then `artifact.json`, the commit.

        The view is kept with it: an earlier artifact stays on the air when the code or the
        artifacts that it was made from have moved on.
        """
        folder.mkdir(parents=True, exist_ok=True)
        derived = view.files
        for name, data in derived.items():
            files.write_if_changed(folder / name, data)
        ordered = sorted(receipts, key=lambda receipt: receipt.part)
        marks = {name: mark for receipt in ordered for name, mark in receipt.files.items()}
        marks |= {name: FileMark(len(data), digest.of_bytes(data)) for name, data in derived.items()}
        value = {
            "format": _FORMAT,
            "stage": recipe["stage"],
            "fingerprint": folder.name.rpartition("-")[2],
            "digest": digest.of_json({name: mark.sha256 for name, mark in marks.items()}),
            "recipe": recipe,
            "parts": [asdict(receipt) for receipt in ordered],
            "derived": {name: asdict(marks[name]) for name in sorted(derived)},
            "view": {"names": {name: _told(put) for name, put in view.names.items()}, "facts": view.facts},
        }
        files.write_json(folder / ARTIFACT, value)
        shutil.rmtree(folder / _RECEIPTS, ignore_errors=True)
        artifact = self._artifact(item, folder)
        if artifact is None:
            raise FileNotFoundError(f"{folder} lost files while it was being finished")
        return artifact

    def faults(self, item: Item, *, deep: bool) -> Iterator[tuple[Path, str]]:
        """Files of the item's artifacts that are not as they were made; `deep` compares their digests too."""
        for folder in _folders(self.folder(item)):
            with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
                for name, mark in _marks(files.read_json(folder / ARTIFACT)).items():
                    path = folder / name
                    if not path.is_file():
                        yield path, "is missing"
                    elif path.stat().st_size != mark.size_bytes:
                        yield path, f"has {path.stat().st_size} bytes instead of {mark.size_bytes}"
                    elif deep and digest.of_file(path) != mark.sha256:
                        yield path, "has other bytes than it was made with"

    def strangers(self, slugs: Collection[str]) -> Iterator[Path]:
        """Folders of videos that are none of these."""
        with suppress(FileNotFoundError):
            yield from (path for path in sorted((self.root / VIDEOS).iterdir()) if path.name not in slugs)

    def view(self, item: Item, artifact: Artifact) -> View:
        """What an artifact shows, as it was when it was made."""
        said = files.read_json(self.folder(item) / artifact.folder / ARTIFACT)["view"]
        return View(names={name: _heard(put) for name, put in said["names"].items()}, facts=said["facts"])

    def sweep(self, item: Item, keep: Collection[str], older_than: float) -> list[str]:
        """Tidy up an item that has nothing to do.

        Removes step folders not named in `keep` and untouched since `older_than` (epoch seconds), and
        receipts that a crash left beside an `artifact.json` that had become whole again.
        """
        gone = []
        for folder in _folders(self.folder(item)):
            if folder.name in keep:
                shutil.rmtree(folder / _RECEIPTS, ignore_errors=True)
            elif _touched(folder) < older_than:
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder.name)
        return gone

    # The trash

    def discard(self, item: Item) -> None:
        """Move the item's folder to the trash, which only vlogd may read. Harmless when it is not there."""
        home, target = self.folder(item), self.root / TRASH / item.slug
        if home.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            home.rename(target)
            files.sync_folder(home.parent)

    def restore(self, item: Item) -> None:
        """Bring the item's folder back, if it is in the trash and no new one has been begun."""
        if not self.folder(item).exists() and (self.root / TRASH / item.slug).exists():
            (self.root / TRASH / item.slug).rename(self.folder(item))

    def purge(self, item: Item) -> None:
        """Delete what of the item lies in the trash."""
        shutil.rmtree(self.root / TRASH / item.slug, ignore_errors=True)

    def empty_trash(self, kept: Collection[str], before: float) -> None:
        """Delete what was put into the trash before then (epoch seconds), but for these slugs."""
        with suppress(FileNotFoundError):
            for entry in list(os.scandir(self.root / TRASH)):
                if entry.name not in kept and entry.stat(follow_symlinks=False).st_ctime < before:
                    shutil.rmtree(entry.path, ignore_errors=True)

    def _artifact(self, item: Item, folder: Path) -> Artifact | None:
        path = folder / ARTIFACT
        try:
            value = files.read_json(path)
            made_at = path.stat().st_mtime
            if value["format"] != _FORMAT:
                return None
            marks = _marks(value)
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None
        if not _whole(folder, marks):
            return None
        return Artifact(
            item.id, value["stage"], value["fingerprint"], value["digest"], value["recipe"], made_at
        )


def _marks(artifact: Mapping[str, Any]) -> dict[str, FileMark]:
    """The files that an `artifact.json` names."""
    marks = {name: FileMark(**mark) for name, mark in artifact["derived"].items()}
    for receipt in artifact["parts"]:
        marks |= _receipt(receipt).files
    return marks


def _receipt(value: Mapping[str, Any]) -> Receipt:
    marks = {name: FileMark(**mark) for name, mark in value["files"].items()}
    return Receipt(part=value["part"], files=marks, facts=value["facts"])


def _told(put: bytes | str) -> dict[str, str]:
    return {"file": put} if isinstance(put, str) else {"text": put.decode()}


def _heard(put: Mapping[str, str]) -> bytes | str:
    return put["file"] if "file" in put else put["text"].encode()


def _readable(path: Path) -> bool:
    with suppress(OSError, ValueError):
        files.read_json(path)
        return True
    return False


def _whole(folder: Path, marks: Mapping[str, FileMark]) -> bool:
    """Whether every file is there with its size (its bytes were digested when delivered)."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return all((folder / name).stat().st_size == mark.size_bytes for name, mark in marks.items())
    return False


def _folders(folder: Path) -> Iterator[Path]:
    """The step folders of an item: `<stage>-<fingerprint>`."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if "-" in entry.name and entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def _touched(folder: Path) -> float:
    """The newest change time in a folder, epoch seconds."""
    inside = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return max((path.lstat().st_mtime for path in [folder, *inside] if path.exists()), default=0.0)
