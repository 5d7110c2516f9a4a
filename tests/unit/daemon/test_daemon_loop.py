"""A whole daemon in this process, on an empty home: its loop, its signals, its events."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlogd import config
from vlogd.cli.init_add import init
from vlogd.config import Config
from vlogd.core.errors import Unavailable
from vlogd.core.events import (
    Bug,
    ConfigRefused,
    ConfigReloaded,
    DaemonStarted,
    DaemonStopped,
    DaemonStopping,
    Event,
    Heartbeat,
    VolumeMissing,
)
from vlogd.daemon import service, wiring
from vlogd.daemon.daemon import Daemon
from vlogd.daemon.requests import leave_request
from vlogd.daemon.signals import Signals
from vlogd.engine.jobs import JobThreads
from vlogd.storage.journal.database import Waiting
from vlogd.storage.volumes import Volumes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home, whose inbox settles at once."""
    assert init.callback is not None
    init.callback(tmp_path)
    path = tmp_path / "vlogd.yaml"
    path.write_text(path.read_text().replace("folder: inbox", "folder: inbox\n    watch: polling"))
    return tmp_path


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is emitted: one more listener, where listeners are named."""
    seen: list[Event] = []
    usual = wiring.listeners
    monkeypatch.setattr(wiring, "listeners", lambda loaded: [*usual(loaded), seen.append])
    return seen


@pytest.fixture
def signals() -> Iterator[Signals]:
    """The daemon's handlers, for the time of one test."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGIO)
    before = {number: signal.getsignal(number) for number in numbers}
    yield Signals()
    for number, handler in before.items():
        signal.signal(number, handler)


def daemon(home: Path, signals: Signals, *, once: bool) -> Daemon:
    """A daemon on this home."""
    return Daemon(wiring.connect(config.load(home / "vlogd.yaml")), signals, once=once)


def when(events: list[Event], kind: type[Event], act: Callable[[], None]) -> threading.Thread:
    """Do something as soon as an event of this kind is there."""

    def wait() -> None:
        while not any(isinstance(event, kind) for event in events):
            pause.wait(0.01)
        act()

    pause = threading.Event()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def send(number: int) -> Callable[[], None]:
    """Sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def without_heartbeats(events: list[Event]) -> list[type[Event]]:
    """The kinds of the events."""
    return [type(event) for event in events if not isinstance(event, Heartbeat)]


def test_once_ends_when_nothing_is_left(home: Path, signals: Signals, events: list[Event]) -> None:
    """The first event is a heartbeat, so that systemd knows; the last one says that it ended."""
    ended = daemon(home, signals, once=True)
    assert ended.run() == 0
    assert ended.has_closed
    assert isinstance(events[0], Heartbeat)
    assert without_heartbeats(events) == [DaemonStarted, DaemonStopped]
    assert (home / "library/index.html").exists()


def test_a_signal_stops_it(home: Path, signals: Signals, events: list[Event]) -> None:
    """It says which one."""
    when(events, DaemonStarted, send(signal.SIGTERM))
    assert daemon(home, signals, once=False).run() == 0
    assert without_heartbeats(events) == [DaemonStarted, DaemonStopping, DaemonStopped]
    assert DaemonStopping("SIGTERM") in events


def test_a_bad_configuration_is_refused_a_good_one_ends_this_daemon(
    home: Path, signals: Signals, events: list[Event]
) -> None:
    """SIGHUP twice: the daemon that follows gets the new configuration."""
    path = home / "vlogd.yaml"
    running = daemon(home, signals, once=False)
    good = path.read_text() + "slots: {speech: 3}\n"
    path.write_text(good + "nonsense: 1\n")

    def again() -> None:
        path.write_text(good)
        send(signal.SIGHUP)()

    when(events, DaemonStarted, send(signal.SIGHUP))
    when(events, ConfigRefused, again)
    assert running.run() == 0
    assert running.new_config is not None
    assert running.new_config.slots["speech"] == 3
    assert without_heartbeats(events) == [DaemonStarted, ConfigRefused, ConfigReloaded, DaemonStopped]
    assert ConfigRefused("nonsense: there is no such key.") in events


def test_a_disk_that_is_missing_is_waited_for(home: Path, signals: Signals, events: list[Event]) -> None:
    """Nothing starts without it; the status says so. With `once` nobody waits."""
    assert daemon(home, signals, once=True).run() == 0
    mark = home / "library/.vlogd-volume"
    mark.rename(home / "mark")
    events.clear()
    assert daemon(home, signals, once=True).run() == 1
    assert without_heartbeats(events) == [VolumeMissing, DaemonStopped]
    events.clear()

    def mount() -> None:
        (home / "mark").rename(mark)

    when(events, VolumeMissing, mount)
    when(events, DaemonStarted, send(signal.SIGINT))
    assert daemon(home, signals, once=False).run() == 0
    assert without_heartbeats(events) == [VolumeMissing, DaemonStarted, DaemonStopping, DaemonStopped]
    waiting = [event.status for event in events if isinstance(event, Heartbeat) and event.status.troubles]
    assert "library" in waiting[0].summary


def test_disks_that_do_not_answer_at_a_start(
    home: Path, signals: Signals, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake NAS hangs: the deciding thread beats and says so, and a stop does not wait for it."""
    answer = threading.Event()
    monkeypatch.setattr(Volumes, "check", lambda _volumes, _optional="": answer.wait())
    monkeypatch.setattr("vlogd.daemon.disk_wait._PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("vlogd.daemon.closing._LONGEST_SECONDS", 0.1)

    def stop() -> None:
        while sum(isinstance(event, Heartbeat) for event in events) < 5:
            threading.Event().wait(0.01)
        send(signal.SIGTERM)()

    when(events, VolumeMissing, stop)
    waiting = daemon(home, signals, once=False)
    assert waiting.run() == 0
    said = [event.status.summary for event in events if isinstance(event, Heartbeat)][1:5]
    assert said == ["The disks of originals and library do not answer; vlogd waits for them."] * 4
    assert without_heartbeats(events)[0] is VolumeMissing
    assert without_heartbeats(events).count(VolumeMissing) == 1
    answer.set()


def test_a_bug_while_the_disks_are_checked(
    home: Path, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a disk that is away."""
    bugs = [AssertionError("a bug")]

    def fails(_volumes: Volumes, _optional: str = "") -> None:
        if bugs:
            raise bugs.pop()

    broken = daemon(home, signals, once=False)
    monkeypatch.setattr(Volumes, "check", fails)
    with pytest.raises(AssertionError, match="a bug"):
        broken.run()


def test_two_daemons_do_not_share_a_state_folder(home: Path, signals: Signals) -> None:
    """The second one is refused before it touches anything."""
    first = daemon(home, signals, once=True)
    with pytest.raises(Unavailable, match="Another vlogd is running"):
        daemon(home, signals, once=True)
    assert first.run() == 0
    assert daemon(home, signals, once=True).run() == 0


def test_requests_are_left_to_the_daemon_that_follows_a_reload(
    home: Path, signals: Signals, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake: the library's thread takes long to end. Until then nothing new is begun, but the status says that it lives."""
    close = JobThreads.close

    def slow(threads: JobThreads) -> None:
        close(threads)
        leave_request(home / "state", "restore", "0123456789abcdef")
        before = len(events)
        while len(events) < before + 2:
            threading.Event().wait(0.01)

    monkeypatch.setattr(JobThreads, "close", slow)
    when(events, DaemonStarted, send(signal.SIGHUP))
    assert daemon(home, signals, once=False).run() == 0
    assert without_heartbeats(events) == [DaemonStarted, ConfigReloaded, DaemonStopped]
    assert is_to_be_carried_out(home / "state")


@pytest.mark.usefixtures("signals")
def test_a_stop_during_a_reload_begins_no_other_daemon(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake: the signal comes when the threads of the first one end, which may take long."""
    connect, close, begun = service.connect, JobThreads.close, []

    def counted(loaded: Config) -> wiring.Parts:
        parts = connect(loaded)
        begun.append(parts)
        if len(begun) == 1:
            parts.calls.put(send(signal.SIGHUP))
        return parts

    def stopped(threads: JobThreads) -> None:
        close(threads)
        send(signal.SIGTERM)()

    monkeypatch.setattr(service, "connect", counted)
    monkeypatch.setattr(JobThreads, "close", stopped)
    assert service.run(config.load(home / "vlogd.yaml"), once=False) == 0
    assert len(begun) == 1


@pytest.mark.usefixtures("signals")
def test_a_journal_that_is_locked_during_a_reload(
    home: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake backup holds it for a moment: the new daemon waits for it, and then applies the new configuration."""
    connect, begun, locked = service.connect, [], [Waiting("locked"), Waiting("locked")]

    def sometimes(loaded: Config) -> wiring.Parts:
        if begun and locked:
            raise locked.pop()
        parts = connect(loaded)
        begun.append(parts)
        parts.calls.put(send(signal.SIGHUP if len(begun) == 1 else signal.SIGTERM))
        return parts

    monkeypatch.setattr(service, "connect", sometimes)
    monkeypatch.setattr(service, "listeners", wiring.listeners)
    monkeypatch.setattr(service, "_PAUSE_SECONDS", 0.01)
    assert service.run(config.load(home / "vlogd.yaml"), once=False) == 0
    assert len(begun) == 2
    assert not locked
    assert [event.why for event in events if isinstance(event, VolumeMissing)] == ["locked"]
    assert ConfigRefused not in without_heartbeats(events)


@pytest.mark.parametrize("error", [Unavailable("The journal cannot be used."), KeyError("a bug")])
def test_a_request_that_meets_trouble_is_carried_out_later_and_holds_up_no_heartbeat(
    home: Path, signals: Signals, events: list[Event], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A fake: the journal. What is foreseen is tried again by this daemon; a bug is an event, once."""
    running = daemon(home, signals, once=False)
    items = running._parts.state.journal.items
    get, troubles = items.get, [error]

    def failing(item_id: str) -> object:
        if troubles:
            raise troubles.pop()
        return get(item_id)

    monkeypatch.setattr(items, "get", failing)
    leave_request(home / "state", "cancel", "0123456789abcdef")

    def finish() -> None:
        before = len(events)
        while len(events) < before + 3:
            threading.Event().wait(0.01)
        send(signal.SIGTERM)()

    when(events, DaemonStarted, finish)
    assert running.run() == 0
    is_bug = isinstance(error, KeyError)
    assert [event.error for event in events if isinstance(event, Bug)] == ([error] if is_bug else [])
    assert is_to_be_carried_out(home / "state") == is_bug


def is_to_be_carried_out(state: Path) -> bool:
    """Whether a request is left."""
    return any((state / "requests").glob("*.json"))


def test_an_error_in_deciding_is_an_event_and_the_status_s_trouble(
    home: Path, signals: Signals, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake: deciding raises. With `once` it ends with exit code 1, and no thread is left."""

    def broken(_self: object) -> None:
        raise KeyError("no such luck")

    monkeypatch.setattr("vlogd.engine.controller.Controller.act", broken)
    ended = daemon(home, signals, once=True)
    assert ended.run() == 1
    assert ended.has_closed
    (bug,) = [event for event in events if isinstance(event, Bug)]
    assert (type(bug.error), bug.where) == (KeyError, "deciding")
    assert "no such luck" in [event.status.summary for event in events if isinstance(event, Heartbeat)][-1]
