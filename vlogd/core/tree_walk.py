"""A walk through a folder to which others may write meanwhile: by descriptors, without recursion, down to a depth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vlogd.core.descriptors import Folder

MOST_LEVELS = 64
"""How deep folders are looked into. Cameras and people nest less than ten; with names of 63 bytes a path of 64 levels
has PATH_MAX (4096) bytes, more than other programs can use. Each level costs a descriptor for as long as it is walked."""


class TooDeep(Exception):
    """A folder lies more than `MOST_LEVELS` below the one where the walk began."""


@dataclass
class Place:
    """An open folder on the walk; `path` is for people."""

    folder: Folder
    path: Path
    level: int
    _is_skipped: Callable[[str], bool]
    _folders: list[str] = field(default_factory=list)
    _is_listed: bool = False

    def names(self) -> Iterator[str]:
        """The names of what is not a folder, links included. Raises OSError."""
        self._is_listed = True
        for entry in self.folder.entries():
            if self._is_skipped(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                self._folders.append(entry.name)
            else:
                yield entry.name

    def folder_names(self) -> list[str]:
        """The names of its folders. Raises OSError."""
        if not self._is_listed:
            for _ in self.names():
                pass
        return self._folders


def walk(
    root: Folder,
    path: Path,
    failed: Callable[[Path, OSError | TooDeep], None],
    is_skipped: Callable[[str], bool] = lambda _name: False,
    level: int = 0,
) -> Iterator[Place]:
    """Each folder from `root`, which is at `path` and `level`, downwards; those that cannot be looked into go to `failed`.

    A place is open until the next one is asked for. One descriptor is held for each level.
    """
    if level > MOST_LEVELS:
        failed(path, TooDeep())
        return
    branch = [Place(root.copy(), path, level, is_skipped)]
    try:
        yield branch[0]
        while branch:
            place = branch[-1]
            try:
                below = _next_below(place)
            except OSError as error:
                failed(place.path, error)
                branch.pop().folder.close()
                continue
            if below is None:
                branch.pop().folder.close()
                continue
            try:
                branch.append(_open(place, below, is_skipped))
            except (OSError, TooDeep) as error:
                failed(place.path / below, error)
                continue
            yield branch[-1]
    finally:
        for place in branch:
            place.folder.close()


def _next_below(place: Place) -> str | None:
    names = place.folder_names()
    return names.pop() if names else None


def _open(place: Place, name: str, is_skipped: Callable[[str], bool]) -> Place:
    if place.level == MOST_LEVELS:
        raise TooDeep
    return Place(place.folder.folder(name), place.path / name, place.level + 1, is_skipped)
