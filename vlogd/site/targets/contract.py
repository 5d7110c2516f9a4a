"""The contract of a target: a place that the public tree is published to.

A target gets the changes of one publishing as an ordered list and applies them in that order: a file comes before
the files that name it, a file is removed after those that named it were replaced. So a viewer never finds a name
that leads nowhere, whatever the target has applied when it stops. Applying a list again is harmless.

What a target could not apply is given to it again with the next changes, as long as the process lives. A target that
must not lose changes compares itself with the library's tree when it is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class FileAdded:
    """A file of a step is finished: it lies in the library, whole, and will not change."""

    path: Path


@dataclass(frozen=True)
class FileWritten:
    """A file has these bytes now."""

    path: Path
    data: bytes


@dataclass(frozen=True)
class FileRemoved:
    """A file is no longer published. Folders that are empty without it go with it."""

    path: Path


@dataclass(frozen=True)
class FolderRemoved:
    """A video is no longer published: nothing below this folder is."""

    path: Path


Change = FileAdded | FileWritten | FileRemoved | FolderRemoved
"""Paths are relative to the root of the public tree."""


class Target(Protocol):
    """Anything that changes can be applied to."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Apply the changes in order. Raises OSError or Unavailable: then the same changes come again."""
