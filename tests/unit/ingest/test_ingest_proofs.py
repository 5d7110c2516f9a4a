"""How much time goes into looking for proofs; the clock is a fake."""

import os
import struct
from pathlib import Path

import pytest

from vlogd.core.descriptors import Folder
from vlogd.ingest import proofs
from vlogd.ingest.proofs import Proofs

_FTYP = struct.pack(">I4s", 8, b"ftyp")


def test_files_of_many_boxes_do_not_take_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One such file under thousands of names cost hours at each listing, during which nothing was taken anywhere."""
    now, looks = [1000.0], []

    def slow(_file: object) -> bool:
        looks.append(now[0])
        now[0] += 0.5
        return True

    monkeypatch.setattr(proofs, "proves_whole", slow)
    film = tmp_path / "film.mp4"
    film.write_bytes(_FTYP)
    for number in range(500):
        os.link(film, tmp_path / f"{number}.mp4")
    budget = Proofs(lambda: now[0])
    with Folder.at(tmp_path) as folder:
        found = [budget.has(folder, f"{number}.mp4") for number in range(500)]
        assert found[0]
        assert len(looks) == sum(found) <= 5
        now[0] += 60
        assert budget.has(folder, "film.mp4")


def test_a_file_that_is_gone_proves_nothing(tmp_path: Path) -> None:
    """It vanished since it was listed."""
    with Folder.at(tmp_path) as folder:
        assert not Proofs().has(folder, "film.mp4")
