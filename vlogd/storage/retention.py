"""How long what is no longer needed is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OriginalsPolicy = Literal["keep", "archive", "delete"]
"""What happens to the original of a ready video."""

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Retention:
    """What happens to the original of a ready video after `originals_seconds`, and how long the trash is kept.

    Both are thirty days by default, a month to notice a mistake. `failed_seconds` is for the files in `_failed`, 0 means for
    ever: they may be somebody's only copy.
    """

    originals: OriginalsPolicy = "keep"
    originals_seconds: float = 30 * _DAY_SECONDS
    archive: Path | None = None
    trash_seconds: float = 30 * _DAY_SECONDS
    failed_seconds: float = 0.0
