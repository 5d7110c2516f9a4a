"""Parts that are started share the memory that is allowed, in a whole engine."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.core.events import ItemReady, PartDone, PartHeavy, PartStarted
from vlogd.core.model import Part
from vlogd.stages.contract import Stage, Work, check

MIB = 1 << 20
SETTINGS: dict[str, Any] = {"first": ToySettings()}


def weighing(mebibytes: int) -> tuple[Stage[Any], ...]:
    """A stage each of whose parts takes so much."""

    def parts(work: Work[ToySettings]) -> Sequence[Part]:
        return [Part(f"part-{n}", order=n, memory_bytes=mebibytes * MIB) for n in range(work.settings.parts)]

    return check(replace(toy("first"), parts=parts))


def most_at_once(engine: Engine) -> int:
    """How many parts ran at the same time."""
    running = most = 0
    for event in engine.events:
        running += isinstance(event, PartStarted) - isinstance(event, PartDone)
        most = max(most, running)
    return most


def finished(home: Path, mebibytes: int, allowed: int | None) -> Engine:
    """An engine that has made two videos of such parts, on two slots."""
    home.mkdir()
    engine = Engine(
        home, weighing(mebibytes), SETTINGS, memory_bytes=None if allowed is None else allowed * MIB
    )
    for number in range(2):
        engine.drop(f"item{number}", f"film {number}")
    engine.run()
    engine.close()
    assert sum(isinstance(event, ItemReady) for event in engine.events) == 2
    return engine


def test_two_run_at_once_only_where_both_fit(tmp_path: Path) -> None:
    """All are done in the end, on the slots or one after the other."""
    assert most_at_once(finished(tmp_path / "free", 300, None)) == 2
    assert most_at_once(finished(tmp_path / "fit", 300, 600)) == 2
    assert most_at_once(finished(tmp_path / "tight", 300, 599)) == 1


def test_what_can_never_fit_is_done_and_told(tmp_path: Path) -> None:
    """With what it takes, what is allowed, and the key to change."""
    engine = finished(tmp_path / "home", 300, 299)
    assert most_at_once(engine) == 1
    told = [event for event in engine.events if isinstance(event, PartHeavy)]
    assert len(told) == 6
    assert "300 MiB" in told[0].why
    assert "limits.memory_mebibytes" in told[0].why
    assert "(299 MiB)" in told[0].why
    assert not [e for e in finished(tmp_path / "other", 300, 300).events if isinstance(e, PartHeavy)]
