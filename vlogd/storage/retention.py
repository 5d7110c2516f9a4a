"""How long what is not needed any more is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
