"""Where a part works: its inputs, a scratch folder, a way to hand over finished files.

A part sees nothing else of vlogd: no journal, no configuration, no other item. That is what makes
it repeatable, and what would let another machine run it.
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlogd.core import digest, files
from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping
from vlogd.core.model import FileMark, Item, Receipt
from vlogd.media.process import Limits

_making = threading.Lock()


@dataclass
class Workspace:
    """One attempt at one part.

    `original` is the accepted file, to be read only; its name here is not the one people gave it.
    `scratch` is an empty folder on local disk that is removed afterwards. `cache` lives as long as
    the step does: for what several of its parts need and what can be made again (`cached`).
    `tell_progress` takes the share of the part that is done, 0 to 1.
    """

    item: Item
    original: Path
    inputs: Mapping[str, Path]
    settings: Any
    receipts: Mapping[str, Receipt]
    folder: Path
    scratch: Path
    cache: Path
    limits: Limits
    stop: Stop
    tell_progress: Callable[[float], None] = lambda _share: None
    tell_delivered: Callable[[str], None] = lambda _name: None
    check_volumes: Callable[[], None] = lambda: None
    delivered: dict[str, FileMark] = field(default_factory=dict)

    def deliver(self, finished: Path, name: str) -> None:
        """Move `finished` (a file in `scratch`) into the step's folder as `name`, whole.

        Delivering a name again is harmless: a part is deterministic. Raises Stopping when the
        daemon is going down, so that a long part ends between two files, and Unavailable when the
        library's disk is away.
        """
        self.check_stop()
        self.check_volumes()
        mark = FileMark(finished.stat().st_size, digest.of_file(finished))
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        files.move_whole(finished, target)
        self.delivered[name] = mark
        self.tell_delivered(name)

    def deliver_bytes(self, data: bytes, name: str) -> None:
        """`deliver` for something small that is already in memory."""
        temporary = files.temporary_beside(self.scratch / "bytes")
        temporary.write_bytes(data)
        self.deliver(temporary, name)

    def cached(self, name: str, make: Callable[[Path], None]) -> Path:
        """A file of the step's cache, made by `make(path)` if it is not there yet.

        Two parts that ask at the same time make it once: the second waits.
        """
        with _lock_for(self.cache / name):
            path = self.cache / name
            if not path.exists():
                self.cache.mkdir(parents=True, exist_ok=True)
                unfinished = self.scratch / f"making-{name}"
                make(unfinished)
                files.move_whole(unfinished, path)
            return path

    def check_stop(self) -> None:
        """Raise Stopping if the daemon was asked to stop."""
        if self.stop.is_set():
            raise Stopping("vlogd is stopping; this part will be done at the next start.")

    def close(self) -> None:
        """Remove the scratch folder; a crash leaves it to the sweep at the next start."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.scratch)


_locks: dict[Path, threading.Lock] = {}


def _lock_for(path: Path) -> threading.Lock:
    with _making:
        return _locks.setdefault(path, threading.Lock())
