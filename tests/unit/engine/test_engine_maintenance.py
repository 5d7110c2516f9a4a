"""What is done beside the videos: the SHA-256 of an original, once its video is ready."""

from pathlib import Path

from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.core import digest
from vlogd.core.events import MaintenanceFailed
from vlogd.storage.originals import Originals


def test_the_sha256_of_an_original_is_noted_when_its_video_is_ready(tmp_path: Path) -> None:
    """Once: the next daemon does not read it again."""
    engine = Engine(tmp_path, [toy("first")], {"first": ToySettings()})
    engine.drop("00aa", "film")
    engine.run()
    (item,) = Originals(engine.originals).scan().items
    assert Originals(engine.originals).sha256(item) == digest.of_bytes(b"film")
    engine.close()
    note = engine.originals / "00aa/.vlogd-sha256.json"
    note.unlink()
    engine = Engine(tmp_path, [toy("first")], {"first": ToySettings()})
    engine.run()
    engine.close()
    assert not note.exists()


def test_an_original_that_has_changed_is_not_measured(tmp_path: Path) -> None:
    """Its SHA-256 would prove nothing; the video is ready all the same."""
    engine = Engine(tmp_path, [toy("first")], {"first": ToySettings()})
    engine.drop("00aa", "film")
    (engine.originals / "00aa/film.txt").write_text("another film")
    engine.run()
    (item,) = Originals(engine.originals).scan().items
    assert Originals(engine.originals).sha256(item) is None
    engine.close()
    assert [event.item for event in engine.events if isinstance(event, MaintenanceFailed)] == [item]
