"""One daemon per state folder: a lock that lasts as long as its process does (flock(2))."""

import fcntl
from contextlib import suppress
from pathlib import Path

from vlogd.core.errors import Unavailable

_LOCK = "lock"


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
        """Release the folder for another daemon."""
        self._file.close()


def is_locked(state: Path) -> bool:
    """Whether a daemon runs on this state folder. Changes nothing."""
    with suppress(OSError), (state / _LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
