"""What lies in the place of an item that comes: it may be somebody's, so it is moved aside and told of, not deleted.

<originals>/.set-aside/<item id>/     or <item id>-2 and so on
"""

import os
import shutil
from pathlib import Path

from vlogd.core import files
from vlogd.core.log import get_logger

_FOLDER = ".set-aside"

_log = get_logger()


def make_room(originals: Path, item_id: str) -> None:
    """Move what lies in an item's place out of the way. Only a folder with nothing but vlogd's own documents is deleted."""
    home = originals / item_id
    if not os.path.lexists(home):
        return
    (originals / _FOLDER).mkdir(exist_ok=True)
    aside = files.rename_to_free_name(home, originals / _FOLDER / item_id)
    files.sync_folder(originals)
    if aside.is_dir() and not aside.is_symlink() and all(_is_own(path) for path in aside.iterdir()):
        shutil.rmtree(aside)
    else:
        why = "A video needs its place, and it may hold somebody's files. Look at them, then move or delete them."
        _log.warning("original.set_aside", path=aside, why=why)


def what_is_there(originals: Path) -> list[Path]:
    """What was moved out of the way and is still there."""
    folder = originals / _FOLDER
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_own(path: Path) -> bool:
    return path.name.startswith(files.OWN_PREFIX) and not path.is_dir()
