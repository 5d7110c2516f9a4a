"""The daemon: builds the parts, runs the deciding loop, behaves towards systemd and signals.

Threads: this one decides; `arrival` owns the inboxes; pools work (`executor`). All speak to this
one through one queue of calls. A signal handler only sets a flag and wakes the loop.
"""

import contextlib
import ctypes
import os
import queue
import shutil
import signal
import threading
import time
from collections.abc import Callable

from vlogd import intake, live, outlook
from vlogd.arrival import Arrival, Trouble
from vlogd.asked import Asked
from vlogd.config import Config, load
from vlogd.decider import Decider
from vlogd.errors import ConfigError, Unavailable
from vlogd.executor import LocalExecutor
from vlogd.front import Front
from vlogd.intake import Accepted, Duplicate, Failed, Intake, Left
from vlogd.librarian import Librarian
from vlogd.library import Library
from vlogd.live import Live, Lock, Requests
from vlogd.log import get_logger
from vlogd.notify import Notifier, watchdog_seconds
from vlogd.originals import Originals
from vlogd.rebuild import open_journal
from vlogd.rules import Rules
from vlogd.runner import Bench
from vlogd.signals import Signals
from vlogd.stages import STAGES
from vlogd.volumes import Volumes

_log = get_logger()

_LONGEST_SLEEP_SECONDS = 2.0
"""How long a request of the command line waits at most."""


class Daemon:
    """One daemon on one configuration. Raises Unavailable when it cannot start."""

    def __init__(self, config: Config, signals: Signals, *, once: bool) -> None:
        self._config = config
        self._signals = signals
        self.reloaded: Config | None = None
        self._once = once
        self._lock = Lock(config.state)
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._notifier = Notifier()
        self._troubles: dict[str, str] = {}
        self._failed_drops = 0
        self._told_live: Live | None = None
        self._next_check = time.monotonic() + config.library_check_seconds
        scratch = config.state / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True, exist_ok=True)
        folders = {"originals": config.originals, "library": config.library}
        self._volumes = Volumes(config.state, folders, config.reserve_bytes)
        self._journal = open_journal(config.state)
        library = Library(config.library)
        self._originals = Originals(config.originals, config.keeping.archive)
        bench = Bench(library, self._originals, scratch, config.limits, self._stop, self._volumes)
        self._front = Front(library, STAGES)
        self._executor = LocalExecutor(config.slots)
        rules = Rules(
            STAGES,
            config.stage_settings,
            config.slots,
            config.retry,
            config.keeping,
            config.sweep_after_seconds,
        )
        self._decider = Decider(
            rules,
            bench,
            self._journal,
            Librarian(bench, self._front, config.keeping),
            self._executor,
            self._calls.put,
        )
        self._requests = Requests(config.state)
        self._asked = Asked(self._decider, self._journal, self._originals, config.keeping)
        self._arrival = Arrival(
            config.inboxes,
            Intake(self._originals, config.limits, self._stop, self._volumes),
            lambda said: self._calls.put(lambda: self._hear(said)),
        )

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
        self._front.install_site()
        self._adopt()
        self._arrival.start()
        _log.info(
            "vlogd.started", library=self._config.library, stages=" ".join(stage.name for stage in STAGES)
        )
        try:
            while not self._stop.is_set():
                self._decider.act()
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
            except Unavailable as error:
                if str(error) != told:
                    _log.warning("volume.missing", why=str(error))
                told = str(error)
            else:
                return True
            if self._once:
                return False
            self._notifier.alive()
            self._notifier.status(told)
            self._stop.wait(_LONGEST_SLEEP_SECONDS)
        return False

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._calls.put(self._reload)
            return
        self._stop.set()
        self._calls.put(lambda: _log.info("vlogd.stopping", signal=signal.Signals(number).name))

    def _reload(self) -> None:
        """Read the configuration again: a valid one takes the place of this daemon, a bad one is told of."""
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
        known = set(self._journal.item_ids())
        for item in self._originals.items(but=known):
            _log.info("item.adopted", item=item.slug)
            self._journal.add_item(item)
        self._decider.look_again(self._journal.item_ids())
        self._decider.tidy([inbox.folder for inbox in self._config.inboxes])

    def _wait(self) -> None:
        """Sleep until somebody tells something or something is due; then hear all that was told."""
        due = self._decider.next_due()
        longest = min(_LONGEST_SLEEP_SECONDS, watchdog_seconds() or _LONGEST_SLEEP_SECONDS)
        wait = longest if due is None else min(longest, max(0.01, due - time.time()))
        try:
            call = self._calls.get(timeout=wait)
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
            self._decider.look_again(self._journal.item_ids())
            self._decider.tidy([inbox.folder for inbox in self._config.inboxes])
        self._notifier.alive()
        reports = outlook.reports(self._decider.items)
        now = Live(
            pid=os.getpid(),
            shares=outlook.shares(self._decider.items),
            waits=outlook.waits(self._decider.items),
            eta_seconds={r.id: round(r.eta_seconds) for r in reports if r.eta_seconds is not None},
            troubles=dict(self._troubles),
            settling=self._arrival.settling,
            waiting=self._decider.waiting,
        )
        if now != self._told_live:
            self._told_live = now
            live.write(self._config.state, now)
        self._notifier.status(self._status())

    def _status(self) -> str:
        working = [
            report
            for report in outlook.reports(self._decider.items)
            if report.status in ("processing", "queued")
        ]
        words = [f"{len(working)} in work" if working else "idle"]
        if working:
            first = working[0]
            words.append(f"{first.slug} {first.progress:.0f} %")
        if self._decider.parked_items:
            words.append(f"{len(self._decider.parked_items)} parked")
        words += [*self._troubles.values(), *self._decider.rests][:1]
        return ", ".join(words)

    def _hear(self, said: intake.Outcome | Trouble) -> None:
        """What arrival tells."""
        match said:
            case Accepted(path, item):
                _log.info("item.accepted", item=item.slug, file=path.name, size_bytes=item.size_bytes)
                self._journal.clear_left(path)
                self._decider.accept(item)
            case Duplicate(path, item):
                _log.info("item.duplicate", file=path.name, same_as=item.slug)
                self._decider.look_again([item.id])
            case Failed(path, sentence, moved_to):
                self._journal.clear_left(path)
                _log.warning("file.failed", file=path.name, why=sentence, moved_to=moved_to)
                self._failed_drops += 1
            case Left(path, inbox, sentence):
                _log.warning("file.left", file=path, why=sentence)
                self._journal.set_left(path, inbox, sentence)
            case Trouble(place, sentence) if sentence:
                _log.warning("inbox.trouble", inbox=place, why=sentence)
                self._troubles[place] = sentence
            case Trouble(place, _):
                _log.info("inbox.well", inbox=place)
                self._troubles.pop(place, None)

    def _finished(self) -> bool:
        return self._arrival.idle() and self._calls.empty() and self._decider.finished()

    def _exit_code(self) -> int:
        bad = bool(self._decider.parked_items or self._failed_drops or self._decider.rests)
        return 1 if self._once and bad else 0

    def _end(self) -> None:
        """Stop everything; what was in flight leaves no mark and is done at the next start."""
        if self.reloaded is None:
            self._notifier.stopping()
        else:
            self._notifier.reloading()
        self._stop.set()
        self._arrival.stop()
        self._executor.close()
        self._journal.close()
        self._lock.release()
        _log.info("vlogd.stopped")


def _keep_memory_low() -> None:
    """Let glibc share two arenas among all threads: one for each thread would double what we hold.

    mallopt(3), M_ARENA_MAX; other C libraries ignore or lack it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-8, 2)


def run(config: Config, *, once: bool) -> int:
    """Run the daemon in the foreground, one after the other where it is reloaded; the last one's exit code."""
    _keep_memory_low()
    signals = Signals()
    daemon = Daemon(config, signals, once=once)
    while True:
        code = daemon.run()
        if daemon.reloaded is None:
            return code
        try:
            daemon = Daemon(daemon.reloaded, signals, once=once)
            config = daemon.config
        except Unavailable as error:
            _log.error("config.refused", problem=str(error), kept="the configuration from before")
            daemon = Daemon(config, signals, once=once)
