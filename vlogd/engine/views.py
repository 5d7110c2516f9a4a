"""What is to be published of an item: the views of its artifacts and, where there is none yet, of unfinished steps."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from vlogd.core.model import Json, View
from vlogd.core.publication import Publication, StageView
from vlogd.engine.status import Progress, report
from vlogd.engine.survey import Survey
from vlogd.stages.contract import Stage, Work
from vlogd.storage.library import Library


@dataclass(frozen=True)
class UnfinishedStep:
    """A step in work, and the names of the files in its folder that are whole."""

    stage: Stage[Any]
    work: Work[Any]
    have: frozenset[str]


def publication(
    library: Library,
    stages: Sequence[Stage[Any]],
    survey: Survey,
    unfinished: Mapping[str, UnfinishedStep],
    progress: Mapping[str, Progress],
) -> Publication:
    """All that is to be published of an item. Reads the views of its artifacts. Raises OSError and Unavailable."""
    views = _views(library, stages, survey, unfinished)
    private = {name for name, artifact in survey.published.items() if artifact.private}
    withdrawn = frozenset(name for stage in private & views.keys() for name in views[stage].view.names)
    for stage in private & views.keys():  # one that was taken out of the public tree had stable names once
        views[stage] = replace(views[stage], view=View(facts=views[stage].view.facts))
    facts = _merged([stage_view.view.facts for stage_view in views.values()])
    latest = report(survey, stages, progress, facts)
    lacks = any(stage.applies(survey.item) and stage.name not in survey.current for stage in stages)
    keeps = survey.original != "here" and lacks
    return Publication(survey.item, latest, views, facts, keeps_earlier=keeps, withdrawn=withdrawn)


def _views(
    library: Library, stages: Sequence[Stage[Any]], survey: Survey, unfinished: Mapping[str, UnfinishedStep]
) -> dict[str, StageView]:
    views: dict[str, StageView] = {}
    for stage in stages:
        if stage.name in survey.published:
            artifact = survey.published[stage.name]
            with suppress(FileNotFoundError):  # deleted since the survey; the next survey notices
                views[stage.name] = StageView(artifact.folder, library.view(survey.item, artifact))
        elif stage.name in unfinished and survey.original == "here":  # else what there is, stays
            step = unfinished[stage.name]
            views[stage.name] = StageView(step.work.folder.name, step.stage.view(step.work, step.have))
    return views


def _merged(all_facts: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """The stages' facts as one mapping. Lists of several stages are joined; of any other value the later stage's counts."""
    merged: dict[str, Json] = {"notes": []}
    for facts in all_facts:
        for key, value in facts.items():
            earlier = merged.get(key)
            merged[key] = (
                [*earlier, *value] if isinstance(earlier, list) and isinstance(value, list) else value
            )
    return merged
