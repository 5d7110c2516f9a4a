"""Requests of the command line to the daemon: files in `<state>/requests/`, which also wait while no daemon runs.

Carrying out a request twice is harmless, so one that a crash cut short is simply read again.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from vlogd.core import files
from vlogd.core.log import get_logger
from vlogd.engine.controller import Controller
from vlogd.engine.state import RemovalRequest
from vlogd.storage.journal import Journal
from vlogd.storage.retention import Keeping

_log = get_logger()

_REQUESTS = "requests"


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


class Asked:
    """Hands requests to the controller. One that a crash cut short is heard again: all may be repeated."""

    def __init__(self, controller: Controller, journal: Journal, keeping: Keeping) -> None:
        self._controller = controller
        self._journal = journal
        self._keeping = keeping

    def hear(self, asked: Mapping[str, Any], fulfilled: Callable[[], None]) -> None:
        """Do what one request says; what is none of ours, or names nothing, is ignored."""
        match asked:
            case {"retry": str(item_id)}:
                _log.info("item.retried", item=item_id)
                self._controller.retry(item_id)
            case {"cancel": str(item_id)}:
                _log.info("item.cancelled", item=item_id)
                self._controller.cancel(item_id)
            case {"remove": str(item_id), "now": bool(now), "at": float(at)}:
                item = self._journal.item(item_id)
                if item is not None and item.accepted_at <= at:  # else it was dropped again since
                    keep_until = 0.0 if now else time.time() + self._keeping.trash_seconds
                    _log.info("item.leaving", item=item.slug)
                    self._controller.remove(item, RemovalRequest(keep_until, fulfilled))
                    return
            case {"restore": str(item_id)}:
                self._controller.restore(item_id, fulfilled)
                return
        fulfilled()
