"""When is a dropped file complete? Pure: sightings and the time come in, paths come out.

A file is complete when its size, change time and inode have stayed the same for `settle_seconds`,
or for one second when its container proves that it is whole (not at once: some copiers reserve the
whole length first and fill it afterwards). Anything that changes starts over; a writer that pauses
between blocks is waited for as long as the pauses are shorter than that.
"""

from dataclasses import dataclass, replace
from pathlib import Path

_PROVEN_SECONDS = 1.0


@dataclass(frozen=True)
class Sighting:
    """What a look at a file showed. Equal sightings are an unchanged file."""

    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


@dataclass(frozen=True)
class _Watch:
    sighting: Sighting
    since: float
    whole: bool


class Settling:
    """The files of one inbox that are not taken yet. Times are seconds of any steady clock."""

    def __init__(self, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._watched: dict[Path, _Watch] = {}

    def __len__(self) -> int:
        return len(self._watched)

    @property
    def paths(self) -> list[Path]:
        """The files that are being watched."""
        return list(self._watched)

    def see(self, path: Path, sighting: Sighting, now: float) -> bool:
        """Take note of a look. Whether the file is new or has changed, so that it may prove itself whole."""
        known = self._watched.get(path)
        if known is not None and known.sighting == sighting:
            return False
        self._watched[path] = _Watch(sighting, now, whole=False)
        return True

    def proven(self, path: Path) -> None:
        """The file's container proves that it is complete as it was last seen."""
        self._watched[path] = replace(self._watched[path], whole=True)

    def forget(self, path: Path) -> None:
        """The file is gone or taken."""
        self._watched.pop(path, None)

    def complete(self, now: float) -> list[Path]:
        """The files that are complete, the one that was seen first, first."""
        ready = [(watch.since, path) for path, watch in self._watched.items() if self._due(watch) <= now]
        return [path for _, path in sorted(ready)]

    def sighting(self, path: Path) -> Sighting:
        """How the file was last seen."""
        return self._watched[path].sighting

    def next_look_at(self) -> float | None:
        """When the next file may be complete; None when nothing is watched."""
        return min((self._due(watch) for watch in self._watched.values()), default=None)

    def _due(self, watch: _Watch) -> float:
        return watch.since + min(
            self._settle_seconds, _PROVEN_SECONDS if watch.whole else self._settle_seconds
        )
