"""What the deciding loop does periodically besides deciding: requests, the look at the library, the heartbeat."""

import os
import time

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.errors import Unavailable
from vlogd.core.events import Bug, Heartbeat
from vlogd.core.publication import Report
from vlogd.daemon.library_check import LibraryCheck
from vlogd.daemon.wiring import Parts
from vlogd.engine import queries

_SHORTEST_PAUSE_SECONDS = 0.25
"""The loop may run a thousand times a second while an encode delivers; a status is never read that often."""


class Pulse:
    """Part of the deciding thread. `trouble`: what prevents the loop from deciding, in a sentence, or ""."""

    def __init__(self, parts: Parts, library_check: LibraryCheck) -> None:
        self._parts = parts
        self._library_check = library_check
        self._next_at = 0.0
        self._is_pending = False
        self.trouble = ""

    def beat_if_due(self) -> None:
        """Emit a heartbeat, unless there was one just now: then `pending_seconds` says when one is due."""
        if time.monotonic() >= self._next_at:
            self.beat()
        else:
            self._is_pending = True

    def pending_seconds(self) -> float | None:
        """How long until the heartbeat that came too early; None when the last one has said everything."""
        return max(0.0, self._next_at - time.monotonic()) if self._is_pending else None

    def beat(self) -> None:
        """Carry out new requests, look at the library if that is due, and emit a heartbeat."""
        self._next_at = time.monotonic() + _SHORTEST_PAUSE_SECONDS
        self._is_pending = False
        self._carry_out_requests()
        self._library_check.check_if_due()
        self._parts.state.journal.retry_writes()
        self._parts.events.emit(Heartbeat(self._status()))

    def say_alive_if_due(self) -> None:
        """Only say that the process lives, while the daemon ends and another one is to follow."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _SHORTEST_PAUSE_SECONDS
            self._parts.events.emit(Heartbeat(self._status()))

    def _carry_out_requests(self) -> None:
        for request, done in self._parts.request_folder.unseen():
            try:
                self._parts.request_handler.handle(request, done)
            except (
                Unavailable
            ):  # the journal cannot be read now: this request comes again, then the later ones
                return
            except Exception as error:  # noqa: BLE001 - a bug with one request must not hold up the others
                self._parts.events.emit(Bug(error, "a request"))

    def _status(self) -> DaemonStatus:
        controller = self._parts.controller
        troubles = dict(self._parts.notices.troubles)
        if self.trouble:
            troubles["vlogd"] = self.trouble
        if self._parts.state.journal.trouble:
            troubles["journal"] = self._parts.state.journal.trouble
        if controller.storage_problems:
            troubles["disk"] = controller.storage_problems[0]
        reports = queries.reports(controller.items)
        return DaemonStatus(
            pid=os.getpid(),
            shares=queries.shares(controller.items),
            waits=queries.wait_reasons(controller.items),
            eta_seconds={r.id: round(r.eta_seconds) for r in reports if r.eta_seconds is not None},
            troubles=troubles,
            settling=self._parts.ingestor.unstable_count,
            waiting=controller.waiting,
            summary=summary(
                reports, len(controller.failed_items), [*troubles.values(), *controller.blockers]
            ),
        )


def summary(reports: list[Report], parked: int, troubles: list[str]) -> str:
    """The status in one line, as `systemctl status` shows it. `parked`: how many videos failed."""
    unfinished = [report for report in reports if report.status in ("processing", "queued")]
    clauses = [f"{len(unfinished)} in work" if unfinished else "idle"]
    if unfinished:
        clauses.append(f"{unfinished[0].slug} {unfinished[0].progress:.0f} %")
    if parked:
        clauses.append(f"{parked} failed")
    return ", ".join([*clauses, *troubles[:1]])
