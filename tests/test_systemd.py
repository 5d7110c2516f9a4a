"""The unit files keep what the daemon and the documents rely on."""

import shutil
import signal
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from vlogd.daemon import closing, daemon
from vlogd.daemon.signals import Signals

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd/vlogd.service"
MODEL_UNIT = ROOT / "systemd/vlogd-model.service"

_EXPOSURE = "0.7"
"""Of systemd 252 (Debian 12); from 0, locked, to 10. Each version rates a little differently."""


def settings_of(unit: Path, wanted: str = "[Service]") -> dict[str, list[str]]:
    """A section of a unit: key to its values."""
    keys: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == wanted and line and not line.startswith("#"):
            key, _, value = line.partition("=")
            keys[key].append(value)
    return keys


@pytest.fixture(scope="module")
def service() -> dict[str, list[str]]:
    """The unit's [Service] section."""
    return settings_of(UNIT)


def test_the_watchdog_waits_for_several_heartbeats(service: dict[str, list[str]]) -> None:
    """The loop sleeps at most so long between two; one disk that answers late must not cost the service."""
    (seconds,) = map(float, service["WatchdogSec"])
    assert seconds >= 10 * daemon._LONGEST_SLEEP_SECONDS
    assert (service["Type"], service["NotifyAccess"]) == (["notify"], ["main"])


def test_a_stop_is_given_the_time_that_it_may_take(service: dict[str, list[str]]) -> None:
    """Else systemd kills what would have ended by itself; and only vlogd gets SIGTERM, since it ends its children."""
    (seconds,) = map(float, service["TimeoutStopSec"])
    assert seconds > 2 * closing._LONGEST_SECONDS
    assert service["KillMode"] == ["mixed"]


def test_a_reload_sends_the_signal_that_reloads(service: dict[str, list[str]]) -> None:
    """`systemctl reload` sends SIGHUP, which the daemon handles."""
    before = {number: signal.getsignal(number) for number in (*signal.Signals,) if number not in (9, 19)}
    try:
        Signals()
        assert callable(signal.getsignal(signal.SIGHUP))
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
    assert service["ExecReload"] == ["kill -HUP $MAINPID"]


def test_the_documented_folders_are_the_only_ones_that_can_be_written(service: dict[str, list[str]]) -> None:
    """The example's folders lie in them, with those of the state and of the speech model."""
    assert service["ProtectSystem"] == ["strict"]
    writable = [Path(path.lstrip("-")) for path in service["ReadWritePaths"]]
    writable += [Path("/var/lib") / service["StateDirectory"][0]]
    example = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    folders = [example["state"], example["originals"], example["library"]]
    folders += [inbox["folder"] for inbox in example["inboxes"].values()]
    for folder in map(Path, folders):
        assert any(folder.is_relative_to(root) for root in writable), f"{folder} cannot be written"
    (cache,) = service["CacheDirectory"]
    assert service["Environment"] == [f"HF_HOME=/var/cache/{cache}"]


def test_one_child_that_is_killed_for_want_of_memory_does_not_end_the_service(
    service: dict[str, list[str]],
) -> None:
    """The default of systemd for a service is `stop` (systemd.service(5))."""
    assert service["OOMPolicy"] == ["continue"]


def test_it_runs_without_privileges_but_the_one_it_needs(service: dict[str, list[str]]) -> None:
    """A lease tells whether a dropped file is open for writing; a file's owner is another user (fcntl(2), F_SETLEASE)."""
    assert service["User"] == service["Group"] == ["vlogd"]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ["CAP_LEASE"]


def test_memory_tasks_and_core_dumps_are_bounded(service: dict[str, list[str]]) -> None:
    """One file must not take the machine's memory, nor its contents end in a dump."""
    assert service["MemoryMax"] == ["80%"]
    assert service["LimitCORE"] == ["0"]
    (tasks,) = map(int, service["TasksMax"])
    assert tasks > 3 * 64**2  # of a machine with 64 cores, as the unit reckons


def test_what_reads_dropped_files_has_no_network_and_another_unit_fetches_the_model(
    service: dict[str, list[str]],
) -> None:
    """Into the same cache, as the same user, with the same programs; vlogd starts it and doesn't wait for it."""
    fetching, unit = settings_of(MODEL_UNIT), settings_of(UNIT, "[Unit]")
    assert service["PrivateNetwork"] == ["yes"]
    assert service["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert "PrivateNetwork" not in fetching
    assert set(unit["Wants"]) == {"time-sync.target", MODEL_UNIT.name}
    assert MODEL_UNIT.name not in unit["After"]
    for same in ("User", "Group", "CacheDirectory", "CacheDirectoryMode", "Environment"):
        assert service[same] == fetching[same]
    assert service["ExecStart"][0].removesuffix(" run") == fetching["ExecStart"][0].removesuffix(
        " fetch-model"
    )
    assert "ReadWritePaths" not in fetching


def test_the_documents_tell_how_exposed_the_service_is() -> None:
    """The figure that the next test measures."""
    assert f"`systemd-analyze security vlogd` says {_EXPOSURE} " in (ROOT / "docs/install.md").read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("file", [UNIT, MODEL_UNIT])
def test_systemd_understands_every_line_and_calls_it_safe(tmp_path: Path, file: Path) -> None:
    """No unknown key, no bad value (the program's path is replaced by one that exists here), little exposure."""
    unit = tmp_path / file.name
    unit.write_text(file.read_text().replace("/opt/vlogd/.venv/bin/vlogd", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert [line for line in verified.stderr.splitlines() if "vlogd" in line] == []
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=14", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-500:]
