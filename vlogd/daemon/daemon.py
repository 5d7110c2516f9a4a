"""The daemon: builds the parts, runs the deciding loop, behaves towards systemd and signals.

Threads: this one decides; `arrival` owns the inboxes; pools work (`executor`). All speak to this
one through one queue of calls. A signal handler only sets a flag and wakes the loop.
"""

import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from vlogd.config import Config, load
from vlogd.core.errors import ConfigError, Unavailable
from vlogd.core.log import get_logger
from vlogd.core.model import Item
from vlogd.daemon.ingest_outcomes import Drops
from vlogd.daemon.requests import Asked, Requests, is_to_be_removed
from vlogd.daemon.signals import Signals
from vlogd.daemon.state_folder import open_state, volumes_of
from vlogd.engine import queries
from vlogd.engine.controller import Controller
from vlogd.engine.executors.local import LocalExecutor
from vlogd.engine.executors.worker import Environment
from vlogd.engine.library_worker import LibraryWorker
from vlogd.engine.policy import Policy
from vlogd.ingest.ingestor import Ingestor
from vlogd.ingest.intake import Intake
from vlogd.notify import status_file
from vlogd.notify.status_file import Live
from vlogd.notify.systemd import Notifier, watchdog_seconds
from vlogd.site.publisher import Publisher
from vlogd.stages.pipeline import STAGES
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals

_log = get_logger()

_CLOSING_SECONDS = 6.5
"""How long a stop takes at most: two and a half for children to end (`process`), four more for disks to answer."""

_LONGEST_SLEEP_SECONDS = 2.0
"""How long a request of the command line waits at most."""


class Daemon:
    """One daemon on one configuration. Raises Unavailable when it cannot start."""

    def __init__(self, config: Config, signals: Signals, *, once: bool) -> None:
        self._config = config
        self._signals = signals
        self.reloaded: Config | None = None
        self.has_closed = False
        self._once = once
        self._state = open_state(config)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._notifier = Notifier()
        self._told_live: Live | None = None
        self._next_check = time.monotonic() + config.library_check_seconds
        self._volumes = volumes_of(config)
        self._journal = self._state.journal
        self._originals = Originals(config.originals, config.keeping.archive)
        self._publisher = Publisher(Library(config.library))
        self._executor = LocalExecutor(config.slots)
        self._controller = self._new_controller()
        self._drops = Drops(self._journal, self._controller)
        self._requests = Requests(config.state)
        self._asked = Asked(self._controller, self._journal, config.keeping)
        self._ingestor = Ingestor(
            config.inboxes,
            Intake(
                self._originals,
                config.limits,
                self._stop,
                self._volumes,
                partial(is_to_be_removed, config.state),
            ),
            lambda said: self._calls.put(lambda: self._drops.hear(said)),
        )

    def _new_controller(self) -> Controller:
        config, library = self._config, Library(self._config.library)
        environment = Environment(
            library, self._originals, self._state.scratch, config.limits, self._stop, self._volumes
        )
        policy = Policy(
            STAGES,
            config.stage_settings,
            config.slots,
            config.retry,
            config.keeping,
            config.sweep_after_seconds,
        )
        library_worker = LibraryWorker(environment, self._publisher, STAGES, config.keeping)
        return Controller(policy, environment, self._journal, library_worker, self._executor, self._calls.put)

    @property
    def config(self) -> Config:
        """What it was started with."""
        return self._config

    def run(self) -> int:
        """Work until told to stop, or with `once` until nothing is left. 0, or 1 if something was parked."""
        self._signals.listen(self._on_signal)
        self._notifier.ready()
        if not self._wait_for_volumes():
            self._end()
            return 1 if self._once else 0
        self._adopt()
        self._ingestor.start()
        _log.info(
            "vlogd.started", library=self._config.library, stages=" ".join(stage.name for stage in STAGES)
        )
        try:
            while not self._stop.is_set():
                self._controller.act()
                self._pulse()
                if self._once and self._finished():
                    break
                self._wait()
        finally:
            self._end()
        return self._exit_code()

    def _wait_for_volumes(self) -> bool:
        """Wait until all disks are there; False when told to stop meanwhile, or with `once`."""
        told = ""
        while not self._stop.is_set():
            try:
                self._volumes.check()
            except (Unavailable, OSError) as error:
                if str(error) != told:
                    _log.warning("volume.missing", why=str(error))
                told = str(error)
            else:
                return True
            if self._once:
                return False
            self._notifier.alive()
            self._notifier.status(told)
            self._hear_calls(_LONGEST_SLEEP_SECONDS)
        return False

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._calls.put(self._reload)
            return
        self._stop.set()
        self._calls.put(lambda: _log.info("vlogd.stopping", signal=signal.Signals(number).name))

    def _reload(self) -> None:
        """Read the configuration again: a valid one takes the place of this daemon, a bad one is told of."""
        self._signals.reload_begins()
        try:
            self.reloaded = load(self._config.path)
        except ConfigError as error:
            for problem in error.problems:
                _log.error("config.refused", problem=problem, kept="the configuration from before")
            return
        _log.info("config.reloaded", file=self._config.path)
        self._stop.set()

    def _adopt(self) -> None:
        """Bring the journal up to what lies in the originals, and survey everything, newest first."""
        known = self._journal.item_ids()
        self._controller.maintenance.open(set(known), self._adopted)
        self._look_at_everything(known)

    def _adopted(self, items: list[Item]) -> None:
        if items:
            _log.info(
                "items.adopted", number=len(items), newest=max(items, key=lambda one: one.accepted_at).slug
            )
            self._journal.add_items(items)
        self._controller.request_survey(item.id for item in items)

    def _look_at_everything(self, item_ids: list[str]) -> None:
        self._controller.request_survey(item_ids)
        self._controller.maintenance.tidy([inbox.folder for inbox in self._config.inboxes])

    def _wait(self) -> None:
        """Sleep until somebody tells something or something is due; then hear all that was told."""
        due = self._controller.next_due()
        longest = min(_LONGEST_SLEEP_SECONDS, watchdog_seconds() or _LONGEST_SLEEP_SECONDS)
        self._hear_calls(longest if due is None else min(longest, max(0.01, due - time.time())))

    def _hear_calls(self, wait_seconds: float) -> None:
        try:
            call = self._calls.get(timeout=wait_seconds)
            while True:
                self._do(call)
                call = self._calls.get_nowait()
        except queue.Empty:
            pass

    def _do(self, call: Callable[[], None]) -> None:
        """Hear one thing. What nobody foresaw goes to the log: it must not end the work on everything else."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever it is
            _log.error("bug", exc_info=error)

    def _pulse(self) -> None:
        """Requests, the hourly look at the library, the watchdog, what the command line reads."""
        for asked, fulfilled in self._requests.new():
            self._asked.hear(asked, fulfilled)
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + self._config.library_check_seconds
            self._look_at_everything(self._journal.item_ids())
        self._notifier.alive()
        reports = queries.reports(self._controller.items)
        now = Live(
            pid=os.getpid(),
            shares=queries.shares(self._controller.items),
            waits=queries.wait_reasons(self._controller.items),
            eta_seconds={r.id: round(r.eta_seconds) for r in reports if r.eta_seconds is not None},
            troubles=self._drops.troubles
            | dict(zip(("disk",), self._controller.storage_problems, strict=False)),
            settling=self._ingestor.unstable_count,
            waiting=self._controller.waiting,
        )
        if now != self._told_live:
            with suppress(OSError):  # a full disk: it is written at the next pulse
                status_file.write(self._config.state, now)
                self._told_live = now
        self._notifier.status(self._status())

    def _status(self) -> str:
        working = [
            report
            for report in queries.reports(self._controller.items)
            if report.status in ("processing", "queued")
        ]
        words = [f"{len(working)} in work" if working else "idle"]
        if working:
            first = working[0]
            words.append(f"{first.slug} {first.progress:.0f} %")
        if self._controller.parked_items:
            words.append(f"{len(self._controller.parked_items)} parked")
        words += [*self._drops.troubles.values(), *self._controller.blockers][:1]
        return ", ".join(words)

    def _finished(self) -> bool:
        return self._ingestor.is_idle() and self._calls.empty() and self._controller.finished()

    def _exit_code(self) -> int:
        bad = bool(self._controller.parked_items or self._drops.failed or self._controller.blockers)
        return 1 if self._once and bad else 0

    def _end(self) -> None:
        """Stop everything; what was in flight leaves no mark and is done at the next start."""
        if self.reloaded is None:
            self._notifier.stopping()
        else:
            self._notifier.reloading()
        self._stop.set()
        closing = threading.Thread(target=self._close, name="vlogd-closing", daemon=True)
        closing.start()
        end = time.monotonic() + _CLOSING_SECONDS
        while closing.is_alive() and (self._is_reloading() or time.monotonic() < end):
            closing.join(0.2)
            if self._is_reloading():
                self._notifier.alive()
        self.has_closed = not closing.is_alive()
        if not self.has_closed:
            _log.error("vlogd.left", why="a disk does not answer; what was begun there is done again")
        self._state.close()
        _log.info("vlogd.stopped")

    def _is_reloading(self) -> bool:
        """Whether another daemon is to follow, which must not work beside threads of this one."""
        return self.reloaded is not None and not self._signals.stopping

    def _close(self) -> None:
        """Wait for all threads; those that wait for a disk that stalls may never end."""
        self._ingestor.stop()
        self._executor.close()
        with suppress(OSError, Unavailable):
            self._volumes.check()
            self._publisher.catalog.finish()
