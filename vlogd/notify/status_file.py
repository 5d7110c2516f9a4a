"""What the running daemon tells the command line: `<state>/live.json`, and requests back to it.

There is no API server. The daemon writes a small file when something changed, at most once a
second; the command line asks for something by dropping a file into `<state>/requests/`, which
also works while no daemon runs.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.errors import Unavailable
from vlogd.core.log import get_logger

_log = get_logger()

_LIVE = "live.json"
_LOCK = "lock"
_REQUESTS = "requests"


@dataclass(frozen=True)
class Live:
    """`shares`: "item/stage" to part to 0..1; `waits`: "item/stage" to why it rests; `eta_seconds` by item; `settling`: files being waited for."""

    pid: int
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waits: Mapping[str, str] = field(default_factory=dict)
    eta_seconds: Mapping[str, float] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    settling: int = 0
    waiting: int = 0


def write(state: Path, live: Live) -> None:
    """Replace what the command line reads. Not synced to the disk: it is worth nothing after a crash."""
    temporary = state / f"{files.TEMPORARY_PREFIX}live"
    temporary.write_bytes(files.json_bytes(asdict(live)))
    temporary.replace(state / _LIVE)


def read(state: Path) -> Live | None:
    """What the running daemon says; None when none runs."""
    if not is_locked(state):
        return None
    with suppress(OSError, ValueError, TypeError):
        return Live(**files.read_json(state / _LIVE))
    return None


class Lock:
    """Held by the one daemon of a state folder, as long as its process lives."""

    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._file = (state / _LOCK).open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Unavailable(f"Another vlogd is running on {state}; stop it first.") from error

    def release(self) -> None:
        """Let another daemon have the folder."""
        self._file.close()


def is_locked(state: Path) -> bool:
    """Whether a daemon runs on this state folder."""
    with suppress(OSError), (state / _LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def request(state: Path, **asked: Any) -> None:
    """Leave a request for the daemon, whose user may be another than ours: root asks as well."""
    folder = state / _REQUESTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns():020d}-{uuid.uuid4().hex}.json"
    draft = path.with_suffix(".new")
    files.write_json(draft, {**asked, "at": time.time()})
    draft.chmod(0o644)
    if os.geteuid() == 0:
        owner = state.stat()
        for mine in (folder, draft):
            os.chown(mine, owner.st_uid, owner.st_gid)
    draft.rename(path)


def is_to_be_removed(state: Path, item_id: str) -> bool:
    """Whether a request to remove this item is not fulfilled yet."""
    return any(asked.get("remove") == item_id for _, asked in _requests(state))


def _requests(state: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """What was asked, oldest first; one that cannot be read says nothing."""
    for path in sorted((state / _REQUESTS).glob("*.json")):
        asked: Any = {}
        with suppress(OSError, ValueError):
            asked = files.read_json(path)
        yield path, asked if isinstance(asked, dict) else {}


class Requests:
    """What was asked and not fulfilled. A request goes when it was fulfilled, so a crash has it heard again."""

    def __init__(self, state: Path) -> None:
        self._state = state
        (state / _REQUESTS).mkdir(parents=True, exist_ok=True)
        self._heard: set[Path] = set()

    def new(self) -> Iterator[tuple[Mapping[str, Any], Callable[[], None]]]:
        """Each request that was not given yet, with what to call once it is fulfilled."""
        for path, asked in _requests(self._state):
            if path not in self._heard:
                self._heard.add(path)
                yield asked, partial(_forget, path)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("request.stays", file=path, why=f"It is heard again at the next start: {error}")
