"""The key that tells a request made by `vlogd` from any other file: `<state>/request-key`.

Only vlogd's user and root can read it. A request carries a code of its content and of its file's name under this key
(HMAC-SHA256, RFC 2104), so that neither a file that somebody else had put among the requests counts, nor a request under
another name.
"""

import errno
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vlogd.core import files, private

_NAME = "request-key"

_KEY_BYTES = 32
"""As long as the code, beyond which a key gains nothing (RFC 2104, section 3)."""


def code(key: bytes, name: str, content: Mapping[str, Any]) -> str:
    """The code of a request in the file `name`."""
    message = json.dumps([name, content], sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def make(state: Path) -> bytes:
    """The key; made if there is none that can be trusted."""
    key = read(state)
    if key is not None:
        return key
    path = state / _NAME
    key = secrets.token_bytes(_KEY_BYTES)
    draft = files.temporary_beside(path)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            files.rename_new(draft, path)
        except FileExistsError:
            made = read(state)  # by another command, which was faster
            if made is not None:
                return made
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return key


def read(state: Path) -> bytes | None:
    """The key; None when there is none, or one that others may have read or made. Raises OSError when a disk fails."""
    try:
        descriptor = os.open(state / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ELOOP):  # ELOOP: a symbolic link (open(2))
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        is_secret = private.is_ours(status) and (not status.st_mode & 0o077 or _lacks_permissions(state))
        key = file.read(_KEY_BYTES + 1) if stat.S_ISREG(status.st_mode) and is_secret else b""
    return key if len(key) == _KEY_BYTES else None


def _lacks_permissions(state: Path) -> bool:
    """Whether the folder that the daemon closes is open all the same: the options of its mount say who may read."""
    status = state.stat()
    return status.st_uid == os.geteuid() and bool(status.st_mode & 0o077)
