"""What is ignored in an inbox can be seen, with the rule."""

from pathlib import Path

import pytest

from vlogd.ingest import ignored_files, ignored_names

RULES = {
    ".film.mp4": "dot",
    "film.mp4.part": '".part"',
    "film.mp4~": '"~"',
    "film.MP4.CRDOWNLOAD": '".crdownload"',
    "@eaDir": "file server",
    "Thumbs.db": "system",
}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_a_sentence(name: str) -> None:
    """What is ignored has one, what is taken has none."""
    assert RULES[name] in ignored_names.rule(name)
    assert ignored_names.rule(name).endswith(".")
    assert ignored_names.is_ignored(name)
    assert ignored_names.rule("film.mp4") == ""


def test_what_is_ignored_at_any_depth_is_found(tmp_path: Path) -> None:
    """A folder counts as a whole; `_failed`, links and what is taken are not listed."""
    (tmp_path / "trip/@eaDir").mkdir(parents=True)
    (tmp_path / "_failed").mkdir()
    (tmp_path / "outside").symlink_to("/")
    for name in (
        "film.mp4",
        ".film.mp4",
        "trip/b.mp4",
        "trip/b.mp4.part",
        "trip/@eaDir/c.part",
        "_failed/d.part",
    ):
        (tmp_path / name).write_bytes(b"film")
    found = {
        Path(file.path).relative_to(tmp_path).as_posix() for file in ignored_files.ignored_files(tmp_path)
    }
    assert found == {".film.mp4", "trip/b.mp4.part", "trip/@eaDir"}


def test_a_bound_and_a_missing_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads a million lines; an inbox that is not there has nothing."""
    monkeypatch.setattr(ignored_files, "MOST", 2)
    for number in range(5):
        (tmp_path / f".{number}").touch()
    assert len(ignored_files.ignored_files(tmp_path)) == 2
    assert ignored_files.ignored_files(tmp_path / "missing") == []
