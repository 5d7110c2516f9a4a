"""What tools may take together and alone, by the configuration."""

import pytest

from vlogd.core import machine
from vlogd.media import memory

MIB = 1 << 20


def test_by_default_a_share_of_the_machine_s_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address space of each tool stays as it was: it is more than the memory that is used of it."""
    monkeypatch.setattr(machine, "memory_bytes", lambda: 1000 * MIB)
    assert memory.for_all(None) == 600 * MIB
    assert memory.address_space(None) == 8192 * MIB


def test_a_configured_bound_is_for_all_and_for_each() -> None:
    """0 is none."""
    assert (memory.for_all(3000), memory.address_space(3000)) == (3000 * MIB, 3000 * MIB)
    assert (memory.for_all(0), memory.address_space(0)) == (None, 0)
