"""Takes files without a daemon around it."""

import threading
from collections.abc import Callable
from pathlib import Path

from vlogd.ingest.completeness import proves_whole
from vlogd.ingest.file_state import FileState, file_state
from vlogd.ingest.intake import Intake
from vlogd.media.process import Limits
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes


def intake_into(
    originals: Path, state: Path, is_others: Callable[[str, str], bool] = lambda _slug, _item_id: False
) -> Intake:
    """An intake into some folder; `is_others(slug, item id)` tells which addresses are used."""
    volumes = Volumes(state, {"originals": originals}, 0)
    return Intake(Originals(originals), Limits(), threading.Event(), volumes, is_others=is_others)


def seen(path: Path) -> FileState:
    """A sighting of a regular file."""
    found = file_state(path.lstat())
    assert isinstance(found, FileState)
    return found


def is_whole(path: Path) -> bool:
    """Whether a file proves that it is whole."""
    with path.open("rb") as file:
        return proves_whole(file)
