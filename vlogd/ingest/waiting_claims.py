"""The claims that wait: what was claimed and could be neither accepted nor put into `_failed`, in an earlier run or in this one.

All are tried again at each listing, in turns with the inboxes: whoever may write to an inbox can have any number of files
claimed and, with something in the place of `_failed`, none of them leave.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from vlogd.core.errors import Unavailable
from vlogd.ingest.inbox import TURN_SECONDS, Inbox
from vlogd.ingest.intake import Intake
from vlogd.ingest.outcomes import NotTaken, Outcome
from vlogd.ingest.problems import Problems

_MOST_OF_AN_INBOX = 1000
"""Trying them again takes about a second."""

TOO_MANY = (
    f"{_MOST_OF_AN_INBOX:,} files that were dropped here wait to be processed, and no more are taken until some of them "
    "are gone. `vlogd status` says of each what it waits for."
)


class WaitingClaims:
    """Used by the ingest thread only, but for `are_being_resumed`. `send` takes the outcomes: of a claim that waits each sentence once."""

    def __init__(
        self,
        intake: Intake,
        inboxes: Mapping[str, Inbox],
        send: Callable[[Outcome], None],
        problems: Problems,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._intake = intake
        self._inboxes = inboxes
        self._send = send
        self._problems = problems
        self._clock = clock
        self._waiting: dict[Path, NotTaken] = {}
        self._seen: set[Path] = set()
        self._left: Iterator[Outcome] | None = None

    @property
    def are_being_resumed(self) -> bool:
        """Whether some have not been tried again since `begin`."""
        return self._left is not None

    def begin(self) -> None:
        """Have all of them tried again by `resume`, if that is not going on."""
        if self._left is None:
            self._seen.clear()
            self._left = iter(self._intake.resume(self._inboxes))

    def resume(self) -> None:
        """Try for one turn; what it is too short for comes with the next call."""
        if self._left is None:
            return
        end_seconds = self._clock() + TURN_SECONDS
        try:
            for outcome in self._left:
                self._report(outcome)
                if self._clock() >= end_seconds:
                    return
        except (Unavailable, OSError) as error:
            self._problems.set("claims", f"What was claimed before could not be taken up: {error}")
        except BaseException:
            self._left = None
            raise
        else:
            self._problems.clear("claims")
            self._waiting = {path: told for path, told in self._waiting.items() if path in self._seen}
        self._left = None

    def add(self, outcome: NotTaken) -> None:
        """Note that a file was claimed just now and waits."""
        self._seen.add(outcome.path)
        self._waiting[outcome.path] = outcome

    def are_too_many(self, inbox: str) -> bool:
        """Whether nothing more is to be taken from the inbox with this name."""
        return sum(outcome.inbox == inbox for outcome in self._waiting.values()) >= _MOST_OF_AN_INBOX

    def _report(self, outcome: Outcome) -> None:
        is_new = True
        if isinstance(outcome, NotTaken):
            is_new = self._waiting.get(outcome.path) != outcome
            self.add(outcome)
        if is_new:
            self._send(outcome)
