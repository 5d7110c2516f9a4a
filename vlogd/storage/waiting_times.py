"""How long each thing has waited to be deleted, in the state folder. What is not known yet begins to wait now.

Nothing here comes from the time of a file or from the wall clock alone (`core.counted_time`). A lost document, a lost
entry and a clock that nobody keeps right all mean one thing: to wait longer.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlogd.core import clock
from vlogd.core.clock import Reading
from vlogd.core.counted_time import Count, CountedTime
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Malformed, NewerFormat

NAME = "waiting.json"

_BETWEEN_LOOKS_SECONDS = 3000.0
"""What is due is looked at once more so much later, before anything is done: at the next hourly look."""


@dataclass(frozen=True)
class Wait:
    """In counted seconds: since when something waits, and when its time was first found to be over.

    `state` is what it was like when it began to wait.
    """

    since: float
    due: float | None = None
    state: str = ""


@dataclass(frozen=True)
class _Waits:
    """The content of the document."""

    count: Count = field(default_factory=Count)
    waits: Mapping[str, Wait] = field(default_factory=dict)


_FORMAT = DocumentFormat.of("how long files have waited", _Waits, limit_bytes=256 << 20)


class WaitingTimes:
    """Things are named by keys: `<kind>:<what>`. Used by one thread."""

    def __init__(self, state: Path, read: Callable[[], Reading] | None = None) -> None:
        self._path = state / NAME
        self._read = read or clock.read
        earlier = _Waits()
        with suppress(OSError, Malformed, NewerFormat):
            earlier = _FORMAT.read(self._path).value
        self._waits = dict(earlier.waits)
        began = self._read()
        self._time = CountedTime(earlier.count, began)
        self._count = self._time.at(began)

    def look(self) -> None:
        """Begin a look: all that is asked until the next one is asked at this moment."""
        self._count = self._time.at(self._read())

    def may_be_over(self, key: str, seconds: float) -> bool:
        """Whether something is to be looked at: it has waited for `seconds`, or is not known yet. Changes nothing."""
        wait = self._waits.get(key)
        return wait is None or self._count.seconds - wait.since >= seconds

    def is_over(self, key: str, seconds: float, state: str = "") -> bool:
        """Whether something has waited for `seconds`, and was found so at an earlier look.

        It waits from its first time on, and anew once it is in another `state`.
        """
        now = self._count.seconds
        wait = self._waits.get(key)
        if wait is None or wait.state != state:
            wait = Wait(now, state=state)
        is_due = now - wait.since >= seconds
        self._waits[key] = replace(wait, due=(now if wait.due is None else wait.due) if is_due else None)
        due = self._waits[key].due
        return due is not None and now - due >= _BETWEEN_LOOKS_SECONDS

    def forget(self, key: str) -> None:
        """It is gone, or would wait anew."""
        self._waits.pop(key, None)

    def keep_only(self, kind: str, keys: Collection[str]) -> None:
        """Forget all of a kind that is not among these."""
        gone = [key for key in self._waits if key.startswith(f"{kind}:") and key not in keys]
        for key in gone:
            del self._waits[key]

    def save(self) -> None:
        """Remember everything. Raises OSError."""
        self._count = self._time.at(self._read())
        _FORMAT.write(self._path, _Waits(self._count, self._waits))
