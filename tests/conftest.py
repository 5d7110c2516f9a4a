"""Shared by all tests: helper modules beside them can be imported by name."""

import io
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from vlogd.core import log
from vlogd.ingest.inbox import Inbox
from vlogd.ingest.intake import Intake

sys.path.insert(0, str(Path(__file__).parent))

# How fast a machine draws examples says nothing about vlogd: on a busy one Hypothesis' time limits only fail at random.
settings.register_profile("vlogd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vlogd")


@pytest.fixture(autouse=True)
def logged() -> io.StringIO:
    """What the code under test logs, instead of the terminal."""
    stream = io.StringIO()
    log.configure(stream)
    return stream


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """An empty inbox."""
    (tmp_path / "inbox").mkdir()
    return Inbox("main", tmp_path / "inbox")


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    """An intake into `tmp_path/originals`."""
    from taking import intake_into  # noqa: PLC0415 - helper modules are found once the path is set, above

    return intake_into(tmp_path / "originals", tmp_path)
