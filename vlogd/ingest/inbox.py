"""An inbox: a watched folder with its own rules for watching."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Watch = Literal["auto", "inotify", "polling"]


TURN_SECONDS = 5.0
"""How long files of one inbox are taken before the others have their turn; the file that is being taken is finished."""


@dataclass(frozen=True)
class Inbox:
    """A watched folder.

    `settle_seconds`: how long a file must hold still; `rescan_seconds`: how often
    the folder is listed, whatever the watcher says.
    """

    name: str
    folder: Path
    watch: Watch = "auto"
    settle_seconds: float = 5.0
    rescan_seconds: float = 60.0
