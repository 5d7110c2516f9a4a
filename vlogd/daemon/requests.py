"""Requests of the command line to the daemon: files in `<state>/requests/`, which also wait while no daemon runs.

A request counts only if it is a regular file of root's or of the daemon's user and was made by `vlogd`, which knows the key
(`request_key`). Any other file is told and deleted, never carried out.

A request's file is deleted when the request has been carried out. Carrying one out twice is harmless, so that one
which a crash cut short is simply read again at the next start.
"""

import errno
import os
import pwd
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hmac import compare_digest
from pathlib import Path
from typing import Any, Literal, get_args

from vlogd.core import files, private
from vlogd.core.descriptors import Folder
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Malformed, Unavailable, VlogdError
from vlogd.core.events import Emit, MaintenanceFailed
from vlogd.daemon import request_key
from vlogd.storage.journal_recovery import journal_file

_FOLDER = "requests"

_LIMIT_BYTES = 64 << 10
"""The most that is read of a request, which has 200 bytes."""

_ID_CHARACTERS = 64
"""The most that is told of an id in a request that isn't vlogd's."""

Verb = Literal["retry", "cancel", "remove", "restore"]


@dataclass(frozen=True)
class Request:
    """A request about one item. `at` is when it was made, in epoch seconds. `now`: remove it for good.

    `code` shows that `vlogd` made it (`request_key`).
    """

    verb: Verb
    item_id: str
    at: float
    now: bool = False
    code: str = field(default="", repr=False)


class _NotMade(Malformed):
    """A file among the requests that `vlogd` didn't make."""


def _parse(content: Mapping[str, Any]) -> Request:
    """From `{"remove": "<item id>", "now": false, "at": 1700000000.0, "code": "<hexadecimal>"}` and the like."""
    verbs: list[Verb] = [verb for verb in get_args(Verb) if verb in content]
    if len(verbs) != 1 or not isinstance(content[verbs[0]], str):
        raise ValueError(f"it must name one item under one of {', '.join(get_args(Verb))}")
    verb, now = verbs[0], content.get("now") is True
    return Request(verb, content[verb], float(content["at"]), now, str(content["code"]))


def _serialise(request: Request) -> Mapping[str, Any]:
    content: dict[str, Any] = {request.verb: request.item_id, "at": request.at, "code": request.code}
    return content | ({"now": request.now} if request.verb == "remove" else {})


def _without_code(content: dict[str, Any]) -> dict[str, Any]:
    """Format 1 had no code: such a request can't be told from one that somebody else put there."""
    return content | {"code": ""}


REQUEST = DocumentFormat("a request", _parse, _serialise, (_without_code,), _LIMIT_BYTES)


def leave_request(state: Path, verb: Verb, item_id: str, *, now: bool = False) -> None:
    """Leave a request for the daemon. Root leaves it as the daemon's user (`cli.privileges`), which we must be here.

    Raises Unavailable with a sentence for anybody else.
    """
    if os.geteuid() not in _obeyed(state):
        raise Unavailable(
            f"vlogd obeys only root and the owner of {state}; run the command as one of them, for example with sudo."
        )
    key = request_key.make(state)
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex}.json"
    request = _with_code(Request(verb, item_id, time.time(), now), name, key)
    with _opened(state) as folder, files.new_file(Folder(folder), name) as file:
        file.write(REQUEST.encode(request))


def _obeyed(state: Path) -> set[int]:
    """Whose requests count: root's and the daemon's user's, who owns the state folder, or else the journal in it."""
    owner, journal = state.stat().st_uid, journal_file(state)
    return {0, journal.stat().st_uid if owner == 0 and journal.exists() else owner}


def is_to_be_removed(state: Path, item_id: str) -> bool:
    """Whether a request to remove this item has not been carried out yet."""
    with suppress(OSError, VlogdError), _opened(state) as folder:
        key = request_key.read(state)
        for name in _names(folder):
            with suppress(OSError, VlogdError):
                request = _read(folder, state / _FOLDER / name, key)
                if (request.verb, request.item_id) == ("remove", item_id):
                    return True
    return False


@contextmanager
def _opened(state: Path) -> Iterator[int]:
    """The folder of requests, made if need be and closed to others. Raises Unavailable for what is not ours."""
    path = state / _FOLDER
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Unavailable(
                f"{path} is not a folder but a link or a file, which vlogd did not put there. Remove it."
            ) from error
        raise
    try:
        if not private.is_ours(os.fstat(folder)):
            raise Unavailable(f"{path} belongs to neither root nor vlogd's user. Remove it.")
        private.close_folder(folder)
        yield folder
    finally:
        os.close(folder)


def _names(folder: int) -> list[str]:
    """The requests that have not been carried out, oldest first."""
    return sorted(name for name in os.listdir(folder) if name.endswith(".json"))


def _read(folder: int, path: Path, key: bytes | None) -> Request:
    """The request in the file of that name. Raises _NotMade for a file that doesn't count, Malformed and NewerFormat."""
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _NotMade("it is a symbolic link") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _NotMade("it is not a regular file")
        if not private.is_ours(status):
            raise _NotMade(f"it belongs to {_user(status.st_uid)}")
        request = REQUEST.decode(file.read(_LIMIT_BYTES + 1), path).value
    if key is None or not _is_code(request.code, _with_code(request, path.name, key).code):
        raise _NotMade(
            f"its code is missing or wrong; it says {request.verb} {request.item_id[:_ID_CHARACTERS]}"
        )
    return request


def _with_code(request: Request, name: str, key: bytes) -> Request:
    content = _serialise(replace(request, code=""))
    return replace(request, code=request_key.code(key, name, content))


def _is_code(given: str, right: str) -> bool:
    return compare_digest(given.encode(errors="replace"), right.encode())


def _user(uid: int) -> str:
    try:
        return f"the user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the user {uid}"


class RequestFolder:
    """The requests that the daemon has not seen yet."""

    def __init__(self, state: Path, emit: Emit) -> None:
        self._state = state
        self._emit = emit
        self._seen: set[str] = set()
        self._trouble = ""

    def unseen(self) -> Iterator[tuple[Request, Callable[[], None]]]:
        """Each new request, with a function to call once it has been carried out. An unreadable one is kept.

        The last one counts as seen when the caller asks for another one: it comes again if carrying it out failed.
        """
        try:
            with _opened(self._state) as folder:
                names = [name for name in _names(folder) if name not in self._seen]
                key = request_key.read(self._state) if names else None
                for name in names:
                    yield from self._one(folder, name, key)
                    self._seen.add(name)  # not if the caller asks for no other one
            self._trouble = ""
        except (OSError, VlogdError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._emit(MaintenanceFailed("reading requests", self._trouble))

    def _one(self, folder: int, name: str, key: bytes | None) -> Iterator[tuple[Request, Callable[[], None]]]:
        path = self._state / _FOLDER / name
        try:
            request = _read(folder, path, key)
        except FileNotFoundError:
            return
        except _NotMade as error:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            why = (
                f"{path} is no request of `vlogd` on this state folder ({error}); it was deleted. If you left one with "
                "an earlier version, ask again."
            )
            self._emit(MaintenanceFailed("reading a request", why))
        except (OSError, VlogdError) as error:
            self._emit(MaintenanceFailed("reading a request", str(error)))
        else:
            yield request, partial(self._delete, path)

    def _delete(self, path: Path) -> None:
        try:
            with _opened(self._state) as folder, suppress(FileNotFoundError):
                os.unlink(path.name, dir_fd=folder)
        except (OSError, VlogdError) as error:
            why = f"It will be carried out again at the next start: {error}"
            self._emit(MaintenanceFailed("deleting a request", why))
