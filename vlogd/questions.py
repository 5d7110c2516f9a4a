"""What the deciding thread wants to know of the library's disk, asked of the library's thread.

The disk may be a NAS that is away: then a patient question is asked again later, and nobody waits.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from vlogd.errors import Stopping, Unavailable
from vlogd.executor import LIBRARY, Executor
from vlogd.log import get_logger
from vlogd.runner import as_trouble
from vlogd.stop import Stop

_log = get_logger()


class Questions:
    """Used by the deciding thread only; answers come to it through `tell`."""

    def __init__(
        self,
        executor: Executor,
        tell: Callable[[Callable[[], None]], None],
        stop: Stop,
        clock: Callable[[], float],
        wait_seconds: float,
    ) -> None:
        self._executor = executor
        self._tell = tell
        self._stop = stop
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._open = 0

    @property
    def answered(self) -> bool:
        """Whether no answer is outstanding but from a disk that is away."""
        return not self._open

    def ask(
        self,
        question: Callable[[], Any],
        answer: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        patient: bool,
        resource: str = LIBRARY,
    ) -> None:
        """Have `question` answered, by a thread of `resource`. A `patient` one waits for a disk; other errors go to `failed`."""

        def job() -> None:
            try:
                found = question()
            except Exception as error:  # noqa: BLE001 - whatever it is, the deciding thread must hear of it
                trouble = as_trouble(error, self._stop)
                self._tell(partial(self._failed, job, failed, trouble, patient=patient))
            else:
                self._tell(partial(self._answered, answer, found))

        self._submit(resource, job)

    def ask_again(self) -> None:
        """Ask what has waited long enough for its disk."""
        now = self._clock()
        due = [job for at, job in self._later if at <= now]
        self._later = [(at, job) for at, job in self._later if at > now]
        for job in due:
            self._submit(LIBRARY, job)

    def due(self) -> list[float]:
        """When (epoch seconds) waiting questions are asked again."""
        return [at for at, _ in self._later]

    def _submit(self, resource: str, job: Callable[[], None]) -> None:
        self._open += 1
        self._executor.submit(resource, job)

    def _answered(self, answer: Callable[[Any], None], found: Any) -> None:
        self._open -= 1
        answer(found)

    def _failed(
        self, job: Callable[[], None], failed: Callable[[Exception], None], error: Exception, *, patient: bool
    ) -> None:
        self._open -= 1
        if isinstance(error, Stopping):
            return
        if patient and isinstance(error, Unavailable):
            _log.warning("library.waits", why=str(error))
            self._later.append((self._clock() + self._wait_seconds, job))
        else:
            failed(error)
