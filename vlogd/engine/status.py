"""How far an item is, derived in one place for `video.json`, the site, `vlogd status` and the log.

Derived, never stored: from the survey, the parts of open steps and the failures that count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlogd.core.model import Item, Part
from vlogd.core.publication import Report, StageReport, Status
from vlogd.engine.survey import Survey
from vlogd.stages.contract import Stage

_MOST_BEFORE_READY_PERCENT = 99.9
"""Rounding must not show 100 % for an item that is not ready."""

_NO_ORIGINAL = {
    "deleted": "the original was deleted as `keeping` says. Restore them from a backup",
    "missing": "the original is not there either. Restore it, or them, from a backup",
}
_LOST = "Files of it are missing or damaged and cannot be made again: {}."


@dataclass(frozen=True)
class Progress:
    """How far an open step is. `shares` maps running parts to 0..1; `trouble` says why it is waiting.

    `parked`: it will not be retried automatically.
    """

    parts: Sequence[Part] = ()
    done: frozenset[str] = frozenset()
    shares: Mapping[str, float] = field(default_factory=dict)
    trouble: str | None = None
    parked: bool = False

    @property
    def percent(self) -> float:
        """0 to 100, by the parts' weights."""
        whole = sum(part.weight for part in self.parts)
        gained = sum(
            part.weight * (1.0 if part.name in self.done else self.shares.get(part.name, 0.0))
            for part in self.parts
        )
        return 100.0 * gained / whole if whole else 0.0


def report(
    survey: Survey,
    stages: Sequence[Stage[Any]],
    progress: Mapping[str, Progress],
    facts: Mapping[str, Any],
) -> Report:
    """The report of one item. `progress` is by stage, `facts` are those of the stages' views."""
    item: Item = survey.item
    stages = [stage for stage in stages if stage.applies(item)]
    reports = {stage.name: _stage_report(stage, survey, progress.get(stage.name)) for stage in stages}
    essential = [reports[stage.name] for stage in stages if stage.essential]
    status = _status(essential)
    errors = [stage.error for stage in essential if stage.status == "failed" and stage.error]
    return Report(
        id=item.id,
        slug=item.slug,
        title=item.title,
        status=status,
        progress=_percent(stages, reports, status),
        playable=bool(facts.get("playable")),
        duration_seconds=facts.get("duration_seconds"),
        error=errors[0] if errors else None,
        notes=(*facts.get("notes", ()), *_notes(reports)),
        stages=reports,
        added_at=item.accepted_at,
        ready_at=_ready_at(stages, survey) if status == "ready" else None,
    )


def unreadable(item: Item, why: str) -> Report:
    """The report of an item whose files cannot be read or understood; `why` is a sentence."""
    return Report(
        item.id, item.slug, item.title, "failed", 0.0, playable=False, duration_seconds=None, error=why,
        notes=(), stages={}, added_at=item.accepted_at, ready_at=None,
    )  # fmt: skip


def _stage_report(stage: Stage[Any], survey: Survey, progress: Progress | None) -> StageReport:
    if stage.name in survey.current:
        return StageReport("ready", 100.0, None, stage.essential)
    if survey.original == "deleted":
        return StageReport(
            "failed" if stage.essential else "waiting", 0.0, _lost(stage, survey), stage.essential
        )
    if stage.name in survey.waiting or progress is None:
        status = "waiting" if stage.name in survey.waiting else "queued"
        return StageReport(status, 0.0, None, stage.essential)
    percent = round(progress.percent, 1)
    if progress.parked:
        return StageReport("failed", percent, progress.trouble, stage.essential)
    if progress.shares:
        return StageReport("running", percent, None, stage.essential)
    return StageReport(
        "resting" if progress.trouble else "queued", percent, progress.trouble, stage.essential
    )


def loss(survey: Survey, stages: Sequence[Stage[Any]]) -> str:
    """What is lost of an item and cannot be made again, in sentences; "" when nothing is, as far as anybody can know."""
    if survey.original == "here":
        return ""
    lost = [stage for stage in stages if stage.applies(survey.item) and stage.name not in survey.current]
    return " ".join(f"{stage.name}: {_lost(stage, survey)}" for stage in lost if _has_lost(stage, survey))


def _has_lost(stage: Stage[Any], survey: Survey) -> bool:
    """Whether a stage lost files; one that is not essential may never have been made."""
    artifact = survey.published.get(stage.name)
    return (
        bool(artifact.missing) if artifact is not None else stage.essential and survey.original == "deleted"
    )


def _lost(stage: Stage[Any], survey: Survey) -> str:
    artifact = survey.published.get(stage.name)
    sentence = _LOST.format(_NO_ORIGINAL[survey.original])
    if artifact is None or not artifact.missing:
        return sentence
    more = f" and {len(artifact.missing) - 1} more" if len(artifact.missing) > 1 else ""
    return f"{sentence} Missing: {artifact.folder}/{artifact.missing[0]}{more}. What is left stays published."


def _status(essential: Sequence[StageReport]) -> Status:
    states = {stage.status for stage in essential}
    if "failed" in states:
        return "failed"
    if states <= {"ready"}:
        return "ready"
    return "processing" if states & {"ready", "running", "resting"} else "queued"


def _percent(stages: Sequence[Stage[Any]], reports: Mapping[str, StageReport], status: Status) -> float:
    if status == "ready":
        return 100.0
    counted = [stage for stage in stages if stage.essential]
    whole = sum(stage.effort for stage in counted)
    return min(
        _MOST_BEFORE_READY_PERCENT,
        round(sum(stage.effort * reports[stage.name].progress for stage in counted) / whole, 1),
    )


def _notes(reports: Mapping[str, StageReport]) -> tuple[str, ...]:
    """What viewers should know about stages that are not essential, or that are waiting."""
    return tuple(
        f"{name}: {stage.error}"
        for name, stage in reports.items()
        if stage.error and not (stage.essential and stage.status == "failed")
    )


def _ready_at(stages: Sequence[Stage[Any]], survey: Survey) -> float | None:
    return max((survey.current[stage.name].made_at for stage in stages if stage.essential), default=None)
