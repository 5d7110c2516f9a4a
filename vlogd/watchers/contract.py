"""The contract of a watcher: a source of hints that something is at a path.

A hint may be late, doubled or wrong; the periodic scan of each inbox is the truth, and both feed
the same settle rule. So a watcher knows nothing about completeness, items or the journal.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

Hint = Callable[[Path], None]
"""Called with the path of a file that appeared, changed or was closed. Must be thread-safe."""


class Watcher(Protocol):
    """Watches one inbox folder, with everything below it."""

    def start(self, folder: Path, hint: Hint) -> None:
        """Begin to watch. Raises Unavailable with a sentence if this folder can't be watched so."""

    def stop(self) -> None:
        """Stop watching and join any thread. Safe to call twice."""
