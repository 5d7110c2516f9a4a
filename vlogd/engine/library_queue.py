"""What the deciding thread wants to know of the library's disk, asked of the library's thread.

Questions about a new drop go before the others, of which an hourly look at the library brings hundreds.

The disk may be a NAS that is away: then a patient question is asked again later, and nobody waits.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping, Unavailable
from vlogd.core.log import get_logger
from vlogd.engine.executors.contract import LIBRARY, Executor
from vlogd.engine.executors.worker import as_trouble

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
        self._later: list[tuple[float, str, Callable[[], None]]] = []
        self._urgent: deque[Callable[[], None]] = deque()
        self._usual: deque[Callable[[], None]] = deque()
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
        urgent: bool = False,
        resource: str = LIBRARY,
    ) -> None:
        """Have `question` answered, by a thread of `resource`; an `urgent` one before those that are not.

        A `patient` one waits for a disk; other errors go to `failed`. What was asked later must not be more urgent
        than what was asked before about the same item, or it may be answered before.
        """

        def job() -> None:
            try:
                found = question()
            except Exception as error:  # noqa: BLE001 - whatever it is, the deciding thread must hear of it
                trouble = as_trouble(error, self._stop)
                self._tell(partial(self._failed, job, failed, trouble, patient=patient))
            else:
                self._tell(partial(self._answered, answer, found))

        self._submit(resource, job, urgent=urgent)

    def ask_again(self) -> None:
        """Ask what has waited long enough for its disk."""
        now = self._clock()
        due = [job for at, _, job in self._later if at <= now]
        self._later = [one for one in self._later if one[0] > now]
        for job in due:
            self._submit(LIBRARY, job, urgent=False)

    def due(self) -> list[float]:
        """When (epoch seconds) waiting questions are asked again."""
        return [at for at, _, _ in self._later]

    def waits(self) -> list[str]:
        """What waits for a disk, in sentences."""
        return [why for _, why, _ in self._later]

    def _submit(self, resource: str, job: Callable[[], None], *, urgent: bool) -> None:
        self._open += 1
        if resource == LIBRARY:
            (self._urgent if urgent else self._usual).append(job)
            job = self._answer_next
        self._executor.submit(resource, job)

    def _answer_next(self) -> None:
        """On the library's thread, the only one that takes from the two queues: as often as there are questions."""
        (self._urgent or self._usual).popleft()()

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
            self._later.append((self._clock() + self._wait_seconds, str(error), job))
        else:
            failed(error)
