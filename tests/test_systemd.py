"""The unit file, as systemd reads it."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd/vlogd.service"


def test_one_child_that_is_killed_for_want_of_memory_does_not_end_the_service() -> None:
    """Systemd's default for a service is `stop` (systemd.service(5))."""
    assert "\nOOMPolicy=continue\n" in UNIT.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """No unknown key, no bad value (the program's path is replaced by one that exists here)."""
    unit = tmp_path / "vlogd.service"
    unit.write_text(UNIT.read_text().replace("/opt/vlogd/.venv/bin/vlogd", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "vlogd" in line]
    assert ours == []
    loose = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=40", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert loose.returncode == 0, loose.stdout[-500:]
