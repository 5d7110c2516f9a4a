"""What is current, what is published, and what is to be made: the one question about an item."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_stages import ToySettings, pipeline, toy

from vlogd.core.model import Artifact, File, Item
from vlogd.engine.survey import OriginalState, Survey, survey
from vlogd.stages.contract import Stage, check
from vlogd.stages.pipeline import STAGES

ITEM = Item(
    "0011223344556677",
    "A film",
    "a-film-001122",
    "main",
    File("0011223344556677/a film.mp4"),
    "9f86d081884c7d65",
    1000,
    1e9,
)
NAMES = ("first", "left", "right", "last")
SETTINGS = {name: ToySettings() for name in NAMES}


def made(result: Survey, number: float) -> list[Artifact]:
    """The artifacts of the steps that a survey wants."""
    return [
        Artifact(
            ITEM.id,
            step.stage.name,
            step.fingerprint,
            f"digest of {step.stage.name}",
            step.recipe,
            made_at=number,
        )
        for step in result.steps
    ]


def at_rest(stages: Sequence[Stage[Any]], settings: dict[str, Any]) -> list[Artifact]:
    """All artifacts of a video that is finished."""
    artifacts: list[Artifact] = []
    for number in range(20):
        result = survey(ITEM, stages, settings, artifacts)
        artifacts += made(result, float(number))
        if result.complete:
            return artifacts
    raise AssertionError


def wanted(result: Survey) -> dict[str, str]:
    """The steps that a survey wants, with their reasons."""
    return {step.stage.name: step.reason for step in result.steps}


def test_the_recipes_of_today_s_artifacts_do_not_change() -> None:
    """Artifacts that vlogd 0.1.0 made are adopted: these are its folders for a file and default settings.

    All but that of `meta` (meta-85c8b8ed3e09), which published every tag and is made again from probe's, and that of `hls`,
    which is new for new videos only: see below.
    """
    artifacts = at_rest(STAGES, {stage.name: stage.settings() for stage in STAGES})
    assert {artifact.folder for artifact in artifacts} == {
        "probe-c6c7598464e4",
        "hls-bfe037d7762a",
        "poster-00f24c618988",
        "captions-b76a2c85d0e9",
        "subtitles-ccc37a2ba7e5",
        "chapters-3fc400f43556",
        "meta-4c1dce215048",
        "verify-a5786359cc9e",
        "stream-8dbe1332cff2",
    }


def test_a_stream_of_the_first_version_stays_current() -> None:
    """Its scaler rounded otherwise, which is no reason to encode a library again."""
    old = [replace(stage, version=2) if stage.name == "hls" else stage for stage in STAGES]
    artifacts = at_rest(old, {stage.name: stage.settings() for stage in old})
    assert "hls-13ab418f6009" in {artifact.folder for artifact in artifacts}
    assert survey(ITEM, STAGES, {stage.name: stage.settings() for stage in STAGES}, artifacts).complete


def newer(version: int, good_since: int | None) -> tuple[Stage[Any], ...]:
    """The pipeline, `left` in another version."""
    return tuple(
        replace(stage, good_since=good_since) if stage.name == "left" else stage
        for stage in pipeline(left=version)
    )


def test_what_an_earlier_version_made_as_well_stays_current() -> None:
    """Only from the version on that the stage names; nothing that is made of it is made again either."""
    artifacts = at_rest(pipeline(left=2), dict(SETTINGS))
    assert survey(ITEM, newer(3, good_since=2), SETTINGS, artifacts).complete
    assert wanted(survey(ITEM, newer(4, good_since=3), SETTINGS, artifacts)) == {
        "left": "the stage went from version 2 to 4"
    }
    changed = {**SETTINGS, "left": ToySettings(word="b")}
    (step,) = survey(ITEM, newer(3, good_since=2), changed, artifacts).steps
    assert step.recipe["version"] == 3


def test_what_was_begun_or_lost_a_file_is_finished_under_its_version() -> None:
    """In its folder, with the parts that it has; what is finished counts before what is only begun."""
    artifacts = at_rest(pipeline(left=2), dict(SETTINGS))
    (left,) = [artifact for artifact in artifacts if artifact.stage == "left"]
    rest = [artifact for artifact in artifacts if artifact is not left]
    stages = newer(3, good_since=2)

    (fresh,) = survey(ITEM, stages, SETTINGS, rest).steps
    (begun,) = survey(ITEM, stages, SETTINGS, rest, begun={left.folder}).steps
    (damaged,) = survey(ITEM, stages, SETTINGS, [*rest, replace(left, missing=("a",))]).steps
    assert (fresh.recipe["version"], begun.folder, damaged.folder) == (3, left.folder, left.folder)
    assert begun.recipe == left.recipe
    assert survey(ITEM, stages, SETTINGS, artifacts, begun={left.folder, fresh.folder}).complete


def test_a_stage_that_does_not_apply_changes_no_recipe() -> None:
    """Stages that need it do without it: recipes are those of a pipeline that lacks it."""
    source = replace(toy("source"), applies=lambda item: not isinstance(item.source, File))
    with_source = check(source, *(replace(s, needs=("source", *s.needs)) for s in pipeline()))
    settings = {**SETTINGS, "source": ToySettings()}
    assert {a.folder for a in at_rest(with_source, settings)} == {
        a.folder for a in at_rest(pipeline(), dict(SETTINGS))
    }


def test_a_new_item_begins_with_what_needs_nothing() -> None:
    """The others wait, each for the first of its needs that is lacking."""
    result = survey(ITEM, pipeline(), SETTINGS, [])
    assert wanted(result) == {"first": "it has not been made yet"}
    assert result.waiting == {"left": "first", "right": "first", "last": "left"}
    assert not result.complete


def test_reasons_name_what_changed() -> None:
    """A setting with its old and new value, a version, a new original, an input, or lost files."""
    artifacts = at_rest(pipeline(), dict(SETTINGS))
    changed = {**SETTINGS, "left": ToySettings(word="b")}
    assert wanted(survey(ITEM, pipeline(), changed, artifacts)) == {
        "left": "setting word changed from 'a' to 'b'"
    }
    assert wanted(survey(ITEM, pipeline(left=2), SETTINGS, artifacts)) == {
        "left": "the stage went from version 1 to 2"
    }
    other = replace(ITEM, digest="another")
    assert wanted(survey(other, pipeline(), SETTINGS, artifacts)) == {"first": "the original changed"}
    damaged = [artifact for artifact in artifacts if artifact.stage != "left"]
    assert wanted(survey(ITEM, pipeline(), SETTINGS, damaged)) == {"left": "it has not been made yet"}
    replaced = [
        replace(artifact, digest="other bytes") if artifact.stage == "first" else artifact
        for artifact in artifacts
    ]
    assert wanted(survey(ITEM, pipeline(), SETTINGS, replaced)) == {
        "left": "the first artifact it is made from changed",
        "right": "the first artifact it is made from changed",
    }


def test_equal_output_of_a_new_version_wakes_nobody() -> None:
    """What is made from an artifact depends on its bytes alone."""
    artifacts = at_rest(pipeline(), dict(SETTINGS))
    again = survey(ITEM, pipeline(first=2), SETTINGS, artifacts)
    assert survey(ITEM, pipeline(first=2), SETTINGS, artifacts + made(again, 99.0)).complete


def test_the_earlier_artifact_stays_published_until_its_successor_is_made() -> None:
    """And the current one is published whatever else lies there."""
    artifacts = at_rest(pipeline(), dict(SETTINGS))
    changed = {**SETTINGS, "left": ToySettings(word="b")}
    (earlier,) = [artifact for artifact in artifacts if artifact.stage == "left"]
    result = survey(ITEM, pipeline(), changed, artifacts)
    assert result.published["left"] == earlier
    assert "left" not in result.current
    both = artifacts + made(result, 99.0)
    assert survey(ITEM, pipeline(), changed, both).published["left"].made_at == 99.0
    assert survey(ITEM, pipeline(), SETTINGS, both).published["left"] == earlier


def test_what_a_stage_uses_is_not_waited_for() -> None:
    """It is made without it, and again when it is there."""
    artifacts = [a for a in at_rest(pipeline(), dict(SETTINGS)) if a.stage in ("first", "left")]
    result = survey(ITEM, pipeline(), SETTINGS, artifacts)
    assert set(wanted(result)) == {"right", "last"}
    (last,) = [step for step in result.steps if step.stage.name == "last"]
    assert set(last.inputs) == {"left"}


def test_an_item_without_its_original_is_complete() -> None:
    """What there is stays, and nothing can be made."""
    result = survey(ITEM, pipeline(), SETTINGS, at_rest(pipeline(), dict(SETTINGS))[:2], "deleted")
    assert result.complete
    assert set(result.current) == {"first", "left"}


@pytest.mark.parametrize("original", ["deleted", "missing", "here"])
def test_what_lost_a_file_stays_published_unless_it_can_be_made_again(original: OriginalState) -> None:
    """With the original it is a step; without it, it is published as far as it goes, and never current."""
    first, left, *rest = at_rest(pipeline(), dict(SETTINGS))
    assert (first.stage, left.stage) == ("first", "left")
    result = survey(
        ITEM, pipeline(), SETTINGS, [first, replace(left, missing=("part-1.txt",)), *rest], original
    )
    assert "left" not in result.current
    assert ("left" in result.published) == (original != "here")
    assert ("left" in wanted(result)) == (original != "deleted")


@given(
    words=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("ab"), st.integers(1, 3)), max_size=8),
    lost=st.sets(st.integers(0, 40)),
)
def test_it_comes_to_rest_after_any_history(words: list[tuple[str, str, int]], lost: set[int]) -> None:
    """Settings change, versions rise, artifacts are lost: at rest each stage has what a fresh library would have."""
    artifacts: list[Artifact] = []
    settings: dict[str, Any] = dict(SETTINGS)
    versions: dict[str, int] = {}
    for name, word, version in words:
        settings[name], versions[name] = ToySettings(word=word), version
        for _ in range(10):
            artifacts += made(survey(ITEM, pipeline(**versions), settings, artifacts), float(len(artifacts)))
        artifacts = [artifact for index, artifact in enumerate(artifacts) if index not in lost]
    for _ in range(10):
        artifacts += made(survey(ITEM, pipeline(**versions), settings, artifacts), float(len(artifacts)))
    result = survey(ITEM, pipeline(**versions), settings, artifacts)
    assert result.complete
    fresh = survey(ITEM, pipeline(**versions), settings, at_rest(pipeline(**versions), settings))
    assert {a.folder for a in result.current.values()} == {a.folder for a in fresh.current.values()}
