"""How long what is not needed any more is kept, and the clean-up that goes by it.

Runs on the library's thread, beside the hourly look at the library; every step may be repeated.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd import names

Policy = Literal["keep", "archive", "delete"]


@dataclass(frozen=True)
class Keeping:
    """What becomes of the original of a ready video after `originals_seconds`; how long the trash is kept.

    `failed_seconds` is for the files in `_failed`, 0 for ever: they may be somebody's only copy.
    """

    originals: Policy = "keep"
    originals_seconds: float = 30 * 86400.0
    archive: Path | None = None
    trash_seconds: float = 30 * 86400.0
    failed_seconds: float = 0.0

    def is_due(self, ready_at: float, now: float) -> bool:
        """Whether the original of a video that became ready then is to be archived or deleted now."""
        return self.originals != "keep" and ready_at + self.originals_seconds <= now


def clear_failed(inboxes: Iterable[Path], keeping: Keeping, now: float | None = None) -> list[Path]:
    """Delete what has lain in the inboxes' `_failed` folders for too long; what was deleted."""
    if not keeping.failed_seconds:
        return []
    before = (time.time() if now is None else now) - keeping.failed_seconds
    gone = []
    for inbox in inboxes:
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in (inbox / names.FAILED).iterdir():
                found = path.lstat()
                if max(found.st_mtime, found.st_ctime) <= before and not path.is_dir():
                    path.unlink()
                    gone.append(path)
    return gone
