"""An archive that is the originals folder by another path: the only copy of a video stays where it is."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import stamped
from daemon import Home


@pytest.fixture(params=["link", "bind mount", "link into it"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """A home that archives at once, into its own originals."""
    home = Home(tmp_path / "home")
    archive = home.folder / "archive"
    keeping = f"keeping: {{originals: archive, originals_days: 0, archive: {archive}}}\n"
    home.config.write_text(home.config.read_text() + keeping)
    if request.param == "bind mount":
        archive.mkdir()
        command = ["mount", "--bind", home.folder / "originals", archive]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("bind mounts need root")
        yield home
        subprocess.run(["umount", archive], check=True)
    else:
        archive.symlink_to(home.folder / "originals" / ("kept" if request.param == "link into it" else ""))
        yield home


def test_the_only_copy_stays(home: Home) -> None:
    """A sentence says why it does not start; nothing is taken, and nothing is lost."""
    path = stamped(home.inbox / "film.mp4", seconds=1)
    data = path.read_bytes()
    run = home.once()
    assert data in [path.read_bytes() for path in home.folder.rglob("film.mp4")]
    assert run.returncode == 1
    assert "keeping.archive: " in run.stderr
    assert "by a link or a mount; keep them apart." in run.stderr
