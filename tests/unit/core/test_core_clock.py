"""Whether somebody keeps the clock right, as each system says it."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vlogd.core import clock


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without timesyncd, whose files lie in a folder; filtered, as in a container."""
    monkeypatch.setattr(clock, "_TIMESYNCD", tmp_path / "synchronized")
    monkeypatch.setattr(clock, "_STATUS", tmp_path / "status")
    (tmp_path / "status").write_text("Name:\tvlogd\nSeccomp:\t2\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_timesyncd_leaves_a_mark(system: Path) -> None:
    """Once it has set the clock."""
    (system / "synchronized").touch()
    assert clock.is_synchronised() is True


@pytest.mark.parametrize(("answer", "known"), [("yes", True), ("no", False), ("", None)])
def test_the_time_service_is_asked_where_a_filter_forbids_the_call(
    system: Path, answer: str, known: bool | None
) -> None:
    """A fake: a program in place of timedatectl."""
    program = system / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    assert clock.is_synchronised() is known


def test_nobody_can_tell(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such program, or one that does not answer."""
    assert clock.is_synchronised() is None
    assert not clock.read().is_synchronised

    def stalls(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("timedatectl", 2.0)

    (system / "timedatectl").touch(0o755)
    monkeypatch.setattr(subprocess, "run", stalls)
    assert clock.is_synchronised() is None


@pytest.mark.parametrize(("state", "known"), [(0, True), (5, False), (-1, None)])
def test_the_kernel_is_asked(
    system: Path, monkeypatch: pytest.MonkeyPatch, state: int, known: bool | None
) -> None:
    """A fake: the C library's answers."""
    (system / "status").write_text("Seccomp:\t0\n")
    library = SimpleNamespace(adjtimex=lambda _: state)
    monkeypatch.setattr(clock.ctypes, "CDLL", lambda _: library)
    assert clock.is_synchronised() is known


def test_the_real_kernel_answers() -> None:
    """Whatever it says, both clocks go on."""
    first, second = clock.read(), clock.read()
    assert clock.is_synchronised() in (True, False, None)
    assert second.running >= first.running > 0
