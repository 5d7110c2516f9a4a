"""The memory that the machine, or a control group, has for vlogd."""

from pathlib import Path

from vlogd.core import machine

MIB = 1 << 20


def test_the_tightest_control_group_counts(tmp_path: Path) -> None:
    """Its own, or one above it; "max" is no bound."""
    groups, own = tmp_path / "cgroup", tmp_path / "self"
    (groups / "system.slice" / "vlogd.service").mkdir(parents=True)
    own.write_text("12:cpu:/other\n0::/system.slice/vlogd.service\n")
    (groups / "system.slice" / "vlogd.service" / "memory.max").write_text("max\n")
    machines = machine.memory_bytes(groups, own)
    assert machines > 64 * MIB
    (groups / "system.slice" / "memory.max").write_text(f"{32 * MIB}\n")
    assert machine.memory_bytes(groups, own) == 32 * MIB
    (groups / "system.slice" / "vlogd.service" / "memory.max").write_text(f"{16 * MIB}\n")
    assert machine.memory_bytes(groups, own) == 16 * MIB


def test_without_control_groups_the_machine_s_memory_counts(tmp_path: Path) -> None:
    """As in a system without cgroup v2."""
    assert machine.memory_bytes(tmp_path / "none", tmp_path / "none") > 64 * MIB
