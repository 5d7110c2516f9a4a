"""Where a part works: its inputs, a scratch folder, and a way to hand over finished files.

A part sees nothing else of vlogd: no journal, no configuration, no other item. That is what makes it repeatable,
and what would let another machine run it.
"""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping
from vlogd.core.model import FileMark, Item, Receipt
from vlogd.media.process import Limits
from vlogd.stages import facts
from vlogd.stages.facts import F

S = TypeVar("S")
"""The stage's settings class."""


@dataclass
class Workspace(Generic[S]):
    """One attempt at one part.

    `film` is the file that the video is made from, to be read only; its name here is not the one people gave it. For the
    stage `source`, which makes the film, there is nothing at that path.
    `scratch` is an empty folder on local disk that is removed afterwards. `cache` lives as long as the step does:
    for files that several of its parts need and that can be recreated (`cached`). `report_progress` takes the share of
    the part that is done, 0 to 1. `described` is a file with ffprobe's description of the film from when it was accepted,
    None where it was not kept.
    """

    item: Item
    film: Path
    inputs: Mapping[str, Path]
    settings: S
    receipts: Mapping[str, Receipt]
    folder: Path
    scratch: Path
    cache: Path
    limits: Limits
    stop: Stop
    report_progress: Callable[[float], None] = lambda _share: None
    report_delivered: Callable[[str], None] = lambda _name: None
    check_volumes: Callable[[], None] = lambda: None
    described: Path | None = None
    delivered: dict[str, FileMark] = field(default_factory=dict)

    def facts(self, part: str, kind: type[F]) -> F:
        """The results of a finished part of the same step. Raises KeyError when it has no receipt."""
        return facts.of_part(self.receipts, part, kind)

    def deliver(self, finished: Path, name: str) -> None:
        """Move `finished` (a file in `scratch`) into the step's folder as `name`, in one rename.

        Delivering a name again is harmless, because a part makes the same bytes each time. Raises Stopping when
        the daemon is stopping, so that a long part ends between two files, and Unavailable when the library's disk
        is not there.
        """
        self.check_stop()
        self.check_volumes()
        mark = FileMark(finished.stat().st_size, digest.of_file(finished))
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        files.move_whole(finished, target)
        self.delivered[name] = mark
        self.report_delivered(name)

    def deliver_bytes(self, data: bytes, name: str) -> None:
        """`deliver` for something small that is already in memory."""
        temporary = files.temporary_beside(self.scratch / "bytes")
        temporary.write_bytes(data)
        self.deliver(temporary, name)

    def cached(self, name: str, make: Callable[[Path], None]) -> Path:
        """A file of the step's cache, made by `make(path)` if it is not there yet.

        Two parts that need it at the same time make it once: the second waits for the first.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        with _locked(self.cache / f"{name}.lock"):
            path = self.cache / name
            if not path.exists():
                unfinished = self.scratch / f"making-{name}"
                make(unfinished)
                files.move_whole(unfinished, path)
            return path

    def check_stop(self) -> None:
        """Raise Stopping if the part is to stop."""
        if self.stop.is_set():
            raise Stopping("vlogd is stopping; this part will be done at the next start.")

    def close(self) -> None:
        """Remove the scratch folder; a crash leaves it to the sweep at the next start."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.scratch)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file: it excludes other threads and processes, and goes with the cache (flock(2))."""
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
