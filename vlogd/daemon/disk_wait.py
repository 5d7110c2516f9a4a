"""The wait for the disks at a start. They are checked by a thread of its own, because a NAS may not answer for ever."""

import os
import threading

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.errors import Unavailable
from vlogd.core.events import Heartbeat, VolumeMissing
from vlogd.daemon.wiring import Parts
from vlogd.storage.lease import Observing

_PAUSE_SECONDS = 2.0
"""Between two checks, and between two heartbeats meanwhile."""

_NO_ANSWER = "The disks of originals and library do not answer; vlogd waits for them."


class DiskWait:
    """Part of the deciding thread, which makes calls and beats while it waits."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._said = ""

    def wait(self, *, once: bool) -> bool:
        """Whether all disks are there; False when stopped meanwhile, or with `once` when they will not come by themselves."""
        while not self._parts.stop.is_set():
            trouble = self._check()
            if trouble is None:
                return not self._parts.stop.is_set()
            self._say(str(trouble))
            if once and not isinstance(trouble, Observing):
                return False
            self._parts.calls.make_calls(_PAUSE_SECONDS, self._parts.events.emit)
        return False

    def _check(self) -> Exception | None:
        """What is wrong with the disks. Also None when stopped before they answered."""
        answers: list[Exception | None] = []

        def ask() -> None:
            try:
                self._parts.volumes.check()
            except Exception as error:  # noqa: BLE001 - it is raised again by the deciding thread
                answers.append(error)
            else:
                answers.append(None)
            self._parts.calls.put(lambda: None)  # wakes the loop

        threading.Thread(target=ask, name="vlogd-disks", daemon=True).start()
        while not answers and not self._parts.stop.is_set():
            self._parts.calls.make_calls(_PAUSE_SECONDS, self._parts.events.emit)
            if not answers and not self._parts.stop.is_set():
                self._say(_NO_ANSWER)
        answer = answers[0] if answers else None
        if answer is not None and not isinstance(answer, Unavailable | OSError):
            raise answer
        return answer

    def _say(self, trouble: str) -> None:
        """To the log when it is new, and always to whoever watches the status."""
        if trouble != self._said:
            self._said = trouble
            self._parts.events.emit(VolumeMissing(trouble))
        status = DaemonStatus(os.getpid(), troubles={"disk": trouble}, summary=trouble)
        self._parts.events.emit(Heartbeat(status))
