"""Reports each problem once, and once when it is solved."""

from collections.abc import Callable

from vlogd.ingest.outcomes import InboxProblem, InboxProblemSolved


class Problems:
    """Used by the ingest thread only."""

    def __init__(self, send: Callable[[InboxProblem | InboxProblemSolved], None]) -> None:
        self._send = send
        self._current: dict[str, str] = {}

    def set(self, place: str, sentence: str) -> None:
        """Note what is wrong at a place; a sentence that was reported before is not reported again."""
        if self._current.get(place) != sentence:
            self._current[place] = sentence
            self._send(InboxProblem(place, sentence))

    def clear(self, place: str) -> None:
        """Note that nothing is wrong there."""
        if self._current.pop(place, None) is not None:
            self._send(InboxProblemSolved(place))
