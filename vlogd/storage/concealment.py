"""Moves artifacts out of the public tree that an earlier version of vlogd put there, and that viewers should not have.

A move is a rename inside the library: the artifact stays as it is, whole and with the same digest, and nothing is made
again because of it.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vlogd.core import files
from vlogd.core.errors import Malformed
from vlogd.core.model import Item
from vlogd.storage.library import Library
from vlogd.storage.library_documents import ARTIFACT, ARTIFACT_FORMAT


def conceal(library: Library, item: Item, first_public_versions: Mapping[str, int | None]) -> None:
    """Move the item's artifacts that are not for viewers to the workshop.

    `first_public_versions`: for each stage the version before which its artifacts are not public; None when those of no version
    are. Unfinished steps of such a stage are moved as well, and swept from there. Raises OSError and NewerFormat.
    """
    private = library.workshop.private(item.slug)
    for folder in _step_folders(library.folder(item)):
        first_public = first_public_versions.get(folder.name.rpartition("-")[0], 0)
        if first_public is None or (first_public and _version(folder, first_public) < first_public):
            _move(library, item, folder, private / folder.name)


def _step_folders(home: Path) -> list[Path]:
    with suppress(FileNotFoundError), os.scandir(home) as entries:
        return [
            Path(entry.path) for entry in entries if "-" in entry.name and entry.is_dir(follow_symlinks=False)
        ]
    return []


def _version(folder: Path, unknown: int) -> int:
    """The version of the stage that made an artifact; `unknown` for an unfinished or damaged one, which is made anew."""
    with suppress(FileNotFoundError, Malformed):
        return int(ARTIFACT_FORMAT.read(folder / ARTIFACT).value.recipe["version"])
    return unknown


def _move(library: Library, item: Item, folder: Path, target: Path) -> None:
    if target.exists():  # an older vlogd made it once more, or a backup brought it back: the whole one counts
        whole = {library.artifact_folder(item, artifact) for artifact in library.artifacts(item)}
        is_better = folder in whole and target not in whole
        library.workshop.discard_stray(target if is_better else folder)
        if not is_better:
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    files.sync_folder(target.parent)
    files.sync_folder(folder.parent)
