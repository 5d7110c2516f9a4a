"""Many items: what only waits keeps nobody out, a new drop goes first, and the memory stays small."""

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from toy_stages import ToySettings, toy

from vlogd.core.errors import Unavailable
from vlogd.core.model import Attempt, Part
from vlogd.engine import admission, queries
from vlogd.engine.executors.contract import PartRequest, Send
from vlogd.engine.state import RemovalRequest
from vlogd.stages.contract import Stage, check
from vlogd.stages.facts import Facts, NoFacts
from vlogd.stages.workspace import Workspace
from vlogd.storage.journal.database import Waiting

SETTINGS = {"first": ToySettings(), "talk": ToySettings(parts=1)}


class Studio:
    """A pipeline whose `talk` lacks its model until it is there. `made` lists the parts in the order they were begun."""

    def __init__(self) -> None:
        self.model_is_there = False
        self.made: list[tuple[str, str, str]] = []
        self.stages = check(
            self._observed(toy("first")), self._observed(toy("talk", "first", essential=False))
        )

    def _observed(self, stage: Stage[Any]) -> Stage[Any]:
        def run(part: Part, ws: Workspace[Any]) -> Facts:
            if stage.name == "talk" and not self.model_is_there:
                raise Unavailable("There is no speech model.")
            self.made.append((ws.item.id, stage.name, part.name))
            return stage.run(part, ws)

        return replace(stage, run=run)


def statuses(engine: Engine) -> list[str]:
    """The status of each item in memory."""
    return [report.status for report in queries.reports(engine.controller.items)]


def test_items_that_wait_for_a_model_keep_nobody_out(tmp_path: Path) -> None:
    """More talks than are worked on at once, and no model: each is ready but for its captions, which come with the model."""
    studio = Studio()
    engine = Engine(tmp_path, studio.stages, SETTINGS)
    names = [f"{number:04d}" for number in range(admission.MOST_ACTIVE + 6)]
    for name in names:
        engine.drop(name, name)
    engine.run()
    assert engine.controller.waiting == 0
    assert statuses(engine) == ["ready"] * len(names)
    studio.model_is_there = True
    engine.now += 61
    engine.run()
    assert {item for item, stage, _ in studio.made if stage == "talk"} == set(names)
    engine.close()


def test_a_new_drop_goes_before_all_that_wait(tmp_path: Path) -> None:
    """With as many in work as may be: the new one's first part is begun before an older one's later parts."""
    studio = Studio()
    engine = Engine(tmp_path, studio.stages, {**SETTINGS, "first": ToySettings(parts=20)})
    names = [f"{number:04d}" for number in range(admission.MOST_ACTIVE + 6)]
    for name in names:
        engine.drop(name, name)
        engine.now += 1
    engine.run(admission.MOST_ACTIVE * 6)
    assert len(engine.controller.items) == admission.MOST_ACTIVE
    before = len(studio.made)
    engine.drop("new", "new")
    while ("new", "first", "part-0") not in studio.made:
        engine.run(1)
    begun = studio.made[before:]
    looking = (
        8  # parts that begin on slots that are free while the library's thread is asked about the new one
    )
    assert len([part for _, _, part in begun if part != "part-0"]) <= looking, begun
    assert len(engine.controller.items) == admission.MOST_ACTIVE
    studio.model_is_there = True
    engine.run()
    assert {item for item, _, _ in studio.made} == {*names, "new"}
    engine.close()


@pytest.mark.parametrize("there", [True, False])
def test_memory_does_not_grow_with_the_items(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are queued, and although each of them rests: few are in memory, and all are made in the end."""
    monkeypatch.setattr(admission, "MOST_ACTIVE", 4)
    monkeypatch.setattr(admission, "MOST_RESTING", 8)
    studio = Studio()
    studio.model_is_there = there
    engine = Engine(tmp_path, studio.stages, SETTINGS)
    names = [f"{number:04d}" for number in range(40)]
    for name in names:
        engine.drop(name, name)
    most = 0
    for _ in range(5000):
        if not engine.run(1):
            break
        most = max(most, len(engine.controller.items))
    assert 4 <= most <= 4 + 8 + 1
    assert {item for item, stage, _ in studio.made if stage == "first"} == set(names)
    studio.model_is_there = True
    engine.now += 61
    engine.run()
    assert len([one for one in studio.made if one[1] == "talk"]) == len(names)
    assert not list(engine.controller.items)
    engine.close()


def test_essential_work_that_rests_is_told_also_of_items_that_left_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--once` must not end well because a video that could not be made was let go."""
    monkeypatch.setattr(admission, "MOST_RESTING", 0)
    studio = Studio()
    engine = Engine(tmp_path, [studio.stages[0], replace(studio.stages[1], essential=True)], SETTINGS)
    engine.drop("0001", "a")
    engine.run()
    assert not list(engine.controller.items)
    assert engine.controller.blockers == ["1 more videos wait likewise."]
    engine.close()


def test_a_removed_item_that_had_left_the_memory_blocks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rested when it was removed: nobody waits for it any more."""
    monkeypatch.setattr(admission, "MOST_RESTING", 0)
    studio = Studio()
    engine = Engine(tmp_path, [studio.stages[0], replace(studio.stages[1], essential=True)], SETTINGS)
    engine.drop("0001", "a")
    engine.run()
    (item,) = engine.journal.items.all()
    engine.controller.remove(item, RemovalRequest(2e9, lambda: None))
    engine.run()
    assert engine.controller.blockers == []
    engine.close()


@pytest.mark.parametrize("is_new", [True, False])
def test_an_item_is_taken_up_when_the_journal_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """A fake: the first question about its failures meets an I/O error. It is not forgotten until the next look."""
    engine = Engine(tmp_path, check(toy("first")), SETTINGS, looks=False)
    of, troubles = engine.journal.attempts.of, [Waiting("The journal cannot be used.")]

    def failing(item_id: str) -> Sequence[Attempt]:
        if troubles:
            raise troubles.pop()
        return of(item_id)

    engine.drop("0001", "a")
    if not is_new:
        engine.run()
        shutil.rmtree(engine.root / "videos")
        engine.controller.request_survey(["0001"])
    monkeypatch.setattr(engine.journal.attempts, "of", failing)
    with pytest.raises(Waiting):
        engine.run()
    engine.run()
    assert (engine.root / "videos/film-0001/first.txt").exists()
    engine.close()


def test_a_retry_looks_at_what_lies_on_the_disk(tmp_path: Path) -> None:
    """A file that was lost while its step grows fails the step; `vlogd retry` makes it again."""

    def joined(part: Part, ws: Workspace[Any]) -> Facts:
        if part.name == "part-2":
            ws.deliver_bytes((ws.folder / "part-0.txt").read_bytes(), "part-2.txt")
            return NoFacts()
        ws.deliver_bytes(part.name.encode(), f"{part.name}.txt")
        return NoFacts()

    engine = Engine(tmp_path, check(replace(toy("first"), run=joined)), SETTINGS)
    engine.drop("0001", "a")
    lost = next(
        _lose(engine) for _ in itertools.count() if engine.run(1) and list(engine.root.rglob("part-1.txt"))
    )
    engine.run()
    assert statuses(engine) == ["failed"]
    engine.controller.retry("0001")
    engine.run()
    assert lost.read_bytes() == b"part-0"
    assert not list(engine.controller.items)
    engine.close()


def _lose(engine: Engine) -> Path:
    (path,) = engine.root.rglob("part-0.txt")
    path.unlink()
    return path


def test_a_recipe_that_changes_under_a_running_part(tmp_path: Path) -> None:
    """The successor's part of the same name runs beside it; the end of each is heard, and the newer one counts."""
    engine = Engine(
        tmp_path,
        check(toy("left"), toy("first", "left"), toy("last", "left", uses=("first",))),
        {name: ToySettings(parts=1) for name in ("left", "first", "last")},
    )
    held: list[Any] = []
    start = engine.executor.start

    def start_or_hold(request: PartRequest, send: Send) -> None:
        """Hold back each part of `last`, as a slow one would be."""
        start(request, send)
        if request.stage == "last":
            held.append(engine.executor.jobs.pop())

    engine.executor.start = start_or_hold  # type: ignore[method-assign]
    engine.drop("0001", "a")
    while len(held) < 2:
        engine.run(1)
    engine.executor.jobs.extend(held)
    engine.run()
    assert not list(engine.controller.items)
    (told,) = engine.root.glob("videos/*/last.txt")
    assert told.read_text().startswith("whole")
    engine.close()
