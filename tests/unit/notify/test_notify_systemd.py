"""What systemd is told, at a real notify socket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.events import ConfigReloaded, DaemonStarted, DaemonStopped, DaemonStopping, Event, Heartbeat
from vlogd.notify.systemd import SystemdNotifier, watchdog_seconds


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield end


def received(manager: socket.socket) -> list[str]:
    """The messages that have come."""
    return [message.decode() for message in raw(manager)]


def raw(manager: socket.socket) -> list[bytes]:
    """The same as bytes."""
    messages = []
    try:
        while True:
            messages.append(manager.recv(100_000))
    except BlockingIOError:
        return messages


def test_the_life_of_a_service(manager: socket.socket) -> None:
    """READY comes once, STATUS when it changes, WATCHDOG with every heartbeat."""
    notify = SystemdNotifier()
    life: list[Event] = [
        Heartbeat(DaemonStatus(1, summary="idle")),
        DaemonStarted(Path("/library"), ("hls",)),
        Heartbeat(DaemonStatus(1, summary="idle")),
        Heartbeat(DaemonStatus(1, summary="1 in work")),
        DaemonStopping("SIGTERM"),
        DaemonStopped(),
    ]
    for event in life:
        notify(event)
    assert received(manager) == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=idle",
        "WATCHDOG=1",
        "WATCHDOG=1",
        "STATUS=1 in work",
        "STOPPING=1",
    ]


def test_a_reload_has_a_time_and_ends_with_the_next_daemon_s_first_heartbeat(manager: socket.socket) -> None:
    """systemd.service(5), Type=notify-reload: RELOADING=1 with MONOTONIC_USEC, then READY=1."""
    old, new = SystemdNotifier(), SystemdNotifier()
    life: list[tuple[SystemdNotifier, Event]] = [
        (old, ConfigReloaded(Path("vlogd.yaml"))),
        (old, DaemonStopped()),
        (new, Heartbeat(DaemonStatus(1))),
        (new, DaemonStopped()),
    ]
    for notify, event in life:
        notify(event)
    reloading, ready, *_ = received(manager)
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert reloading.rpartition("=")[2].isdigit()
    assert ready == "READY=1"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the socket is empty after each example
@given(st.text(st.characters(), max_size=700) | st.text("\n\r\x85\u2028\ud800=🎬A", max_size=700))
@example("a video\nWATCHDOG=trigger")
@example("x\x00\nMAINPID=1\nSTOPPING=1")
@example("🎬" * 5000)
def test_a_status_is_one_assignment_whatever_it_says(manager: socket.socket, text: str) -> None:
    """Names of files in it can neither end the line nor make the message too long for systemd (4096 bytes)."""
    notify = SystemdNotifier()
    notify(Heartbeat(DaemonStatus(1, summary=text)))
    notify(DaemonStopped())
    ready, watchdog, *status = raw(manager)
    assert (ready, watchdog) == (b"READY=1", b"WATCHDOG=1")
    assert [message.split(b"=")[0] for message in status] == ([b"STATUS"] if text else [])
    for message in status:
        assert message.decode().isprintable()  # one line, and UTF-8, which systemd requires
        assert len(message) < 4096


def test_without_systemd_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, no error."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    SystemdNotifier()(Heartbeat(DaemonStatus(1)))


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [("60000000", None, 30.0), ("60000000", "1", None), ("", None, None), ("soon", None, None)],
)
def test_the_watchdog_s_time_is_halved(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: str | None, seconds: float | None
) -> None:
    """And it counts for the process that it names only."""
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    if pid is None:
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
    else:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_seconds() == seconds
