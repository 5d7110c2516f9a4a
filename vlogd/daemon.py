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
from pathlib import Path

from vlogd import intake, live, watchers
from vlogd.arrival import Arrival, Trouble
from vlogd.config import Config
from vlogd.decider import Decider
from vlogd.errors import Unavailable
from vlogd.executor import LocalExecutor
from vlogd.front import Front
from vlogd.intake import Accepted, Duplicate, Failed, Intake, Left
from vlogd.journal import Journal
from vlogd.librarian import Librarian
from vlogd.library import Library
from vlogd.live import Live, Lock
from vlogd.log import get_logger
from vlogd.notify import Notifier, watchdog_seconds
from vlogd.rules import Rules
from vlogd.runner import Bench
from vlogd.stages import STAGES
from vlogd.volumes import Volumes

_log = get_logger()

_LONGEST_SLEEP_SECONDS = 2.0
"""How long a request of the command line waits at most."""

_NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "gluster", "fuse.sshfs")


class Daemon:
    """One daemon on one configuration. Raises Unavailable when it cannot start."""

    def __init__(self, config: Config, *, once: bool) -> None:
        self._config = config
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
        self._journal = _open_journal(config.state)
        library = Library(config.library)
        bench = Bench(library, config.originals, scratch, config.limits, self._stop, self._volumes)
        self._front = Front(library, STAGES)
        self._executor = LocalExecutor(config.slots)
        rules = Rules(STAGES, config.stage_settings, config.slots, config.retry, config.sweep_after_seconds)
        self._decider = Decider(
            rules, bench, self._journal, Librarian(bench, self._front), self._executor, self._calls.put
        )
        self._arrival = Arrival(
            config.inboxes,
            Intake(config.originals, config.limits, self._stop, self._volumes),
            lambda said: self._calls.put(lambda: self._hear(said)),
        )

    def run(self) -> int:
        """Work until told to stop, or with `once` until nothing is left. 0, or 1 if something was parked."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
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

    def _on_signal(self, number: int, _frame: object) -> None:
        self._stop.set()
        self._calls.put(lambda: _log.info("vlogd.stopping", signal=signal.Signals(number).name))

    def _adopt(self) -> None:
        """Bring the journal up to what lies in the originals, and survey everything, newest first."""
        known = set(self._journal.item_ids())
        for item in intake.list_items(self._config.originals):
            if item.id not in known:
                _log.info("item.adopted", item=item.slug)
                self._journal.add_item(item)
        self._decider.look_again(self._journal.item_ids())

    def _wait(self) -> None:
        """Sleep until somebody tells something or something is due; then hear all that was told."""
        due = self._decider.next_due()
        longest = min(_LONGEST_SLEEP_SECONDS, watchdog_seconds() or _LONGEST_SLEEP_SECONDS)
        wait = longest if due is None else min(longest, max(0.01, due - time.time()))
        try:
            call = self._calls.get(timeout=wait)
            while True:
                call()
                call = self._calls.get_nowait()
        except queue.Empty:
            pass

    def _pulse(self) -> None:
        """Requests, the hourly look at the library, the watchdog, what the command line reads."""
        for asked in live.requests(self._config.state):
            if "retry" in asked:
                _log.info("item.retried", item=asked["retry"])
                self._decider.retry(str(asked["retry"]))
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + self._config.library_check_seconds
            self._decider.look_again(self._journal.item_ids())
        self._notifier.alive()
        reports = self._decider.reports()
        now = Live(
            pid=os.getpid(),
            shares=self._decider.shares(),
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
        working = [report for report in self._decider.reports() if report.status in ("processing", "queued")]
        words = [f"{len(working)} in work" if working else "idle"]
        if working:
            first = working[0]
            words.append(f"{first.slug} {first.progress:.0f} %")
        if self._decider.parked_items:
            words.append(f"{len(self._decider.parked_items)} parked")
        words += [*self._troubles.values(), *self._decider.rests()][:1]
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
                _log.warning("file.failed", file=path.name, why=sentence, moved_to=moved_to)
                self._failed_drops += 1
            case Left(path, inbox, sentence):
                _log.warning("file.left", file=path, why=sentence)
                self._journal.set_left(path, inbox, sentence)
            case Trouble(inbox, sentence):
                _log.warning("inbox.trouble", inbox=inbox, why=sentence)
                self._troubles[inbox] = sentence

    def _finished(self) -> bool:
        return self._arrival.idle() and self._calls.empty() and self._decider.finished()

    def _exit_code(self) -> int:
        bad = bool(self._decider.parked_items or self._failed_drops or self._decider.rests())
        return 1 if self._once and bad else 0

    def _end(self) -> None:
        """Stop everything; what was in flight leaves no mark and is done at the next start."""
        self._notifier.stopping()
        self._stop.set()
        self._arrival.stop()
        self._executor.close()
        self._journal.close()
        self._lock.release()
        _log.info("vlogd.stopped")


def _open_journal(state: Path) -> Journal:
    """The journal; a damaged one is set aside and rebuilt from originals and library."""
    kind = watchers.file_system(state)
    if kind.startswith(_NETWORK):
        raise Unavailable(f"The state folder {state} lies on {kind}; SQLite's journal needs a local disk.")
    path = state / "journal.db"
    try:
        journal = Journal(path)
        if journal.is_sound():
            return journal
        journal.close()
    except Unavailable as error:
        if "newer vlogd" in str(error):
            raise
    aside = path.with_name(f"journal-damaged-{int(time.time())}.db")
    _log.error("journal.damaged", set_aside=aside, why="it is rebuilt from originals and library")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    return Journal(path)


def _keep_memory_low() -> None:
    """Let glibc share two arenas among all threads: one for each thread would double what we hold.

    mallopt(3), M_ARENA_MAX; other C libraries ignore or lack it.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(-8, 2)


def run(config: Config, *, once: bool) -> int:
    """Run the daemon in the foreground; its exit code."""
    _keep_memory_low()
    return Daemon(config, once=once).run()
