"""Ending work early."""

import threading

import pytest

from vlogd.core.cancellation import Either, Never, check
from vlogd.core.errors import Stopping


def test_either_is_set_as_soon_as_one_is() -> None:
    """The daemon's stop, or the item's own."""
    daemon, item = threading.Event(), threading.Event()
    either = Either(daemon, item)
    check(either)
    item.set()
    with pytest.raises(Stopping):
        check(either)


def test_never_is_never_set() -> None:
    """So that work without anybody who could stop it needs no special case."""
    check(Never())
