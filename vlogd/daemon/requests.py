"""Requests of the command line to the daemon: files in `<state>/requests/`, which also wait while no daemon runs.

A request's file is deleted when the request has been carried out. Carrying one out twice is harmless, so that one
which a crash cut short is simply read again at the next start.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import VlogdError
from vlogd.core.events import Emit, ItemCancelled, ItemRemoving, ItemRetried, MaintenanceFailed
from vlogd.engine.controller import Controller
from vlogd.engine.state import RemovalRequest
from vlogd.storage.journal import Journal
from vlogd.storage.retention import Retention

_FOLDER = "requests"

Verb = Literal["retry", "cancel", "remove", "restore"]


@dataclass(frozen=True)
class Request:
    """A request about one item. `at` is when it was made, in epoch seconds. `now`: remove it for good."""

    verb: Verb
    item_id: str
    at: float
    now: bool = False


def _parse(content: Mapping[str, Any]) -> Request:
    """From `{"remove": "<item id>", "now": false, "at": 1700000000.0}` and the like."""
    verbs: list[Verb] = [verb for verb in get_args(Verb) if verb in content]
    if len(verbs) != 1 or not isinstance(content[verbs[0]], str):
        raise ValueError(f"it must name one item under one of {', '.join(get_args(Verb))}")
    return Request(verbs[0], content[verbs[0]], float(content["at"]), content.get("now") is True)


def _serialise(request: Request) -> Mapping[str, Any]:
    content: dict[str, Any] = {request.verb: request.item_id, "at": request.at}
    return content | ({"now": request.now} if request.verb == "remove" else {})


REQUEST = DocumentFormat("a request", _parse, _serialise)


def leave_request(state: Path, verb: Verb, item_id: str, *, now: bool = False) -> None:
    """Leave a request for the daemon, whose user may differ from ours: root may leave requests, too."""
    folder = state / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns():020d}-{uuid.uuid4().hex}.json"
    draft = path.with_suffix(".new")
    REQUEST.write(draft, Request(verb, item_id, time.time(), now))
    draft.chmod(0o644)
    if os.geteuid() == 0:
        owner = state.stat()
        for created in (folder, draft):
            os.chown(created, owner.st_uid, owner.st_gid)
    draft.rename(path)


def is_to_be_removed(state: Path, item_id: str) -> bool:
    """Whether a request to remove this item has not been carried out yet."""
    for path in _paths(state):
        with suppress(OSError, VlogdError):
            request = REQUEST.read(path).value
            if (request.verb, request.item_id) == ("remove", item_id):
                return True
    return False


def _paths(state: Path) -> list[Path]:
    """The requests that have not been carried out, oldest first."""
    return sorted((state / _FOLDER).glob("*.json"))


class RequestFolder:
    """The requests that the daemon has not seen yet."""

    def __init__(self, state: Path, emit: Emit) -> None:
        self._state = state
        self._emit = emit
        (state / _FOLDER).mkdir(parents=True, exist_ok=True)
        self._seen: set[Path] = set()

    def unseen(self) -> Iterator[tuple[Request, Callable[[], None]]]:
        """Each new request, with a function to call once it has been carried out. An unreadable one is kept.

        The last one counts as seen when the caller asks for another one: it comes again if carrying it out failed.
        """
        for path in _paths(self._state):
            if path in self._seen:
                continue
            try:
                request = REQUEST.read(path).value
            except FileNotFoundError:
                continue
            except (OSError, VlogdError) as error:
                self._emit(MaintenanceFailed("reading a request", str(error)))
            else:
                yield request, partial(self._delete, path)
            self._seen.add(path)  # not if the caller asks for no other one

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            why = f"It will be carried out again at the next start: {error}"
            self._emit(MaintenanceFailed("deleting a request", why))


class RequestHandler:
    """Has the engine carry out requests; repeating any is harmless."""

    def __init__(self, controller: Controller, journal: Journal, retention: Retention, emit: Emit) -> None:
        self._controller = controller
        self._journal = journal
        self._retention = retention
        self._emit = emit

    def handle(self, request: Request, done: Callable[[], None]) -> None:
        """Carry out one request and call `done` then. One about an item that does not exist is ignored."""
        if request.verb == "restore":
            self._controller.restore(request.item_id, done)
            return
        item = self._journal.items.get(request.item_id)
        if item is None:
            done()
        elif request.verb == "remove":
            if item.accepted_at > request.at:  # it was dropped again since
                done()
                return
            keep_until = 0.0 if request.now else time.time() + self._retention.trash_seconds
            self._emit(ItemRemoving(item))
            self._controller.remove(item, RemovalRequest(keep_until, done))
        elif request.verb == "retry":
            self._emit(ItemRetried(item))
            self._controller.retry(item.id)
            done()
        else:
            self._emit(ItemCancelled(item))
            self._controller.cancel(item.id)
            done()
