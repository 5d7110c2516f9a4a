"""How far an item is, as everybody is told."""

from dataclasses import replace
from typing import Any

import pytest
from toy_stages import ToySettings, pipeline

from vlogd.core.model import Artifact, File, Item, Part
from vlogd.core.publication import Report
from vlogd.engine.status import Progress, report
from vlogd.engine.survey import survey

ITEM = Item("0" * 16, "A film", "a-film", "main", File(f"{'0' * 16}/film.mp4"), "digest", 4, 1e9)
SETTINGS = {name: ToySettings() for name in ("first", "left", "right", "last")}
PARTS = (Part("a", weight=1), Part("b", weight=3))


def artifacts(*names: str) -> list[Artifact]:
    """Artifacts of these stages, current ones, each made a second after the one before."""
    done: list[Artifact] = []
    while True:
        steps = [step for step in survey(ITEM, pipeline(), SETTINGS, done).steps if step.stage.name in names]
        if not steps:
            return done
        done += [
            Artifact(
                ITEM.id, step.stage.name, step.fingerprint, step.stage.name, step.recipe, float(len(done))
            )
            for step in steps[:1]
        ]


def told(made: tuple[str, ...] = (), facts: dict[str, Any] | None = None, **progress: Progress) -> Report:
    """The report with these artifacts and open steps."""
    result = survey(ITEM, pipeline(), SETTINGS, artifacts(*made))
    return report(result, pipeline(), progress, facts or {})


@pytest.mark.parametrize(
    ("made", "first", "status"),
    [
        ((), Progress(), "queued"),
        ((), Progress(PARTS, shares={"a": 0.5}), "processing"),
        ((), Progress(PARTS, trouble="No room."), "processing"),
        ((), Progress(PARTS, trouble="It is no film.", parked=True), "failed"),
        (("first",), Progress(), "processing"),
        (("first", "left", "right", "last"), Progress(), "ready"),
    ],
)
def test_the_status_of_an_item(made: tuple[str, ...], first: Progress, status: str) -> None:
    """By its essential stages."""
    assert told(made, first=first).status == status


def test_the_percentage_counts_essential_stages_by_effort_and_parts_by_weight() -> None:
    """Half of the heavier part of the first of three stages; `right` is not essential."""
    first = Progress(PARTS, frozenset({"a"}), {"b": 0.5})
    assert first.percent == pytest.approx(62.5)
    assert told(first=first).progress == pytest.approx(20.8)
    assert told(("first",)).progress == pytest.approx(33.3)


def test_it_is_never_complete_before_it_is_ready() -> None:
    """100 % is kept for what is ready."""
    whole = Progress(PARTS, frozenset({"a", "b"}))
    assert told(("first", "left"), last=whole).progress == 99.9
    assert told(("first", "left", "right", "last")).progress == 100.0


def test_a_failure_that_is_not_essential_is_a_note() -> None:
    """The item is ready all the same; that of an essential one is its error."""
    parked = Progress(PARTS, trouble="No model.", parked=True)
    noted = told(("first", "left", "last"), right=parked)
    assert (noted.status, noted.error, noted.notes) == ("ready", None, ("right: No model.",))
    failed = told(("first",), left=parked)
    assert (failed.status, failed.error, failed.notes) == ("failed", "No model.", ())


def test_an_essential_stage_that_rests_says_why() -> None:
    """As a note: it is no error yet."""
    resting = told(first=Progress(PARTS, trouble="No room."))
    assert resting.stages["first"].status == "resting"
    assert resting.notes == ("first: No room.",)


def test_stages_that_wait_and_that_are_queued() -> None:
    """For another stage, or for a slot."""
    stages = told(first=Progress(PARTS)).stages
    assert [stages[name].status for name in ("first", "left", "last")] == ["queued", "waiting", "waiting"]


def test_ready_since_the_last_essential_artifact() -> None:
    """`right` came later and does not count."""
    made = artifacts("first", "left", "last", "right")
    (right,) = [artifact for artifact in made if artifact.stage == "right"]
    others = [artifact for artifact in made if artifact is not right]
    result = survey(ITEM, pipeline(), SETTINGS, [*others, replace(right, made_at=99.0)])
    assert report(result, pipeline(), {}, {}).ready_at in {artifact.made_at for artifact in others}


def test_facts_of_the_views_are_in_it() -> None:
    """Whether it can be watched, how long it is, what else viewers should know."""
    facts = {"playable": True, "duration_seconds": 12.5, "notes": ["A note."]}
    result = told(facts=facts)
    assert (result.playable, result.duration_seconds, result.notes) == (True, 12.5, ("A note.",))


def test_what_cannot_be_made_again_without_its_original() -> None:
    """An essential stage that is lost is a failure with its reason."""
    result = survey(ITEM, pipeline(), SETTINGS, artifacts("first"), "deleted")
    final = report(result, pipeline(), {}, {})
    assert final.status == "failed"
    assert final.error is not None
    assert "the original was deleted" in final.error
    assert final.stages["right"].status == "waiting"
