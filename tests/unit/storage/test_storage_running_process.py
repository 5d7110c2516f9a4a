"""Is that process still there?"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from vlogd.storage.running_process import RunningProcess


def test_this_one() -> None:
    """It runs, and is seen from here."""
    here = RunningProcess.current()
    assert here == RunningProcess.current()
    assert here.pid == os.getpid()
    assert here.is_seen_from(here)
    assert here.is_running()
    machine_id = Path("/etc/machine-id")
    assert not machine_id.exists() or machine_id.read_text().strip() not in str(here)


def test_one_that_ended() -> None:
    """Nobody has its number, or somebody else who started later."""
    here = RunningProcess.current()
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert not replace(here, pid=process.pid).is_running()
    assert not replace(here, start_ticks=here.start_ticks + 1).is_running()


def test_one_that_cannot_be_seen() -> None:
    """Numbers mean something to one kernel and in one namespace only."""
    here = RunningProcess.current()
    for other in (
        replace(here, boot="another"),
        replace(here, pid_namespace="pid:[1]"),
        replace(here, boot=""),
    ):
        assert not other.is_seen_from(here)
    nothing = replace(here, boot="", pid_namespace="")
    assert not nothing.is_seen_from(nothing)
