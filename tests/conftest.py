"""Shared by all tests: helper modules beside them can be imported by name."""

import io
import sys
from pathlib import Path

import pytest

from vlogd import log

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def logged() -> io.StringIO:
    """What the code under test logs, instead of the terminal."""
    stream = io.StringIO()
    log.configure(stream)
    return stream
