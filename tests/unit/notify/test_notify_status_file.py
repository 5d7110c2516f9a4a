"""The status file: written by a listener, read by the command line."""

import json
from pathlib import Path

import pytest

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.errors import NewerFormat
from vlogd.core.events import DaemonStopped, Heartbeat
from vlogd.notify import status_file
from vlogd.notify.status_file import StatusFile

STATUS = DaemonStatus(
    7, {"a/hls": {"video": 0.5}}, {"a/poster": "Full."}, {"a": 9.0}, {"disk": "Full."}, 1, 2, "busy"
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Without a file there is no status."""
    assert status_file.read(tmp_path) is None
    listener = StatusFile(tmp_path)
    listener(DaemonStopped())
    assert status_file.read(tmp_path) is None
    listener(Heartbeat(STATUS))
    assert status_file.read(tmp_path) == STATUS


def test_an_unchanged_status_is_not_written_again(tmp_path: Path) -> None:
    """The loop may turn many times a second."""
    listener = StatusFile(tmp_path)
    listener(Heartbeat(STATUS))
    (tmp_path / "live.json").unlink()
    listener(Heartbeat(STATUS))
    assert status_file.read(tmp_path) is None
    listener(Heartbeat(DaemonStatus(8)))
    assert status_file.read(tmp_path) == DaemonStatus(8)


def test_what_could_not_be_written_is_written_with_the_next_heartbeat(tmp_path: Path) -> None:
    """The folder is missing (as is room on a full disk)."""
    state = tmp_path / "state"
    listener = StatusFile(state)
    listener(Heartbeat(STATUS))
    state.mkdir()
    listener(Heartbeat(STATUS))
    assert status_file.read(state) == STATUS


def test_a_file_that_a_power_cut_left_empty_is_none(tmp_path: Path) -> None:
    """It is not synced to the disk."""
    (tmp_path / "live.json").touch()
    assert status_file.read(tmp_path) is None


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """The sentence says what to do."""
    (tmp_path / "live.json").write_text(json.dumps({"format": 2, "pid": 1}))
    with pytest.raises(NewerFormat, match="install a newer vlogd"):
        status_file.read(tmp_path)
