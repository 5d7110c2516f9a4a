"""The survey: the same question after a start, a crash, a retry and a changed setting.

    Given an item, the stages, their settings and the artifacts that are really on disk:
    which artifacts are current, which stay published, what is to be done next, and why?

Nothing here touches a disk or a clock. An artifact is current when its fingerprint equals the
fingerprint of what it *should* be made from now: the stage's name and version, its settings
for this item, the content of the original, and the digests of the artifacts it is made from
(their content, so that a stage that ran again with equal output causes no further work). A stage may say that artifacts of
its earlier versions are as good (`Stage.good_since`): what was made or begun under one of them keeps that one's
fingerprint. Tool versions are not part of it: an ffmpeg upgrade must not re-encode a library.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from vlogd.core import digest
from vlogd.core.model import Artifact, Item, Json
from vlogd.stages.contract import Stage

OriginalState = Literal["here", "deleted", "missing"]
"""Where the original of an item is; "deleted" on purpose, as `keeping.originals` says. "here" also if it needs none."""

_FINGERPRINT_CHARACTERS = 12
"""48 bits: enough to distinguish the few recipes of a stage of one item, and short in folder names."""


@dataclass(frozen=True)
class Step:
    """One stage for one item with one recipe, and the reason why it must run."""

    item: Item
    stage: Stage[Any]
    recipe: Mapping[str, Json]
    fingerprint: str
    reason: str
    inputs: Mapping[str, Artifact]
    settings: Any

    @property
    def folder(self) -> str:
        """The name of the folder inside the item's folder that will hold the artifact."""
        return f"{self.stage.name}-{self.fingerprint}"


@dataclass(frozen=True)
class Survey:
    """The answer. `steps` can be worked on now; `waiting` maps a stage to the needed stage it is waiting for.

    `published` holds for each stage the artifact that viewers get: the current one, or the newest
    earlier one while its successor is being made. `original` says where the original is; unless it is here, what
    is published stays, even what lost files, and nothing can be made.
    """

    item: Item
    current: Mapping[str, Artifact]
    published: Mapping[str, Artifact]
    steps: tuple[Step, ...]
    waiting: Mapping[str, str]
    original: OriginalState = "here"

    @property
    def complete(self) -> bool:
        """Whether everything is current."""
        return not self.steps and not self.waiting


def survey(
    item: Item,
    stages: Sequence[Stage[Any]],
    settings: Mapping[str, Any],
    artifacts: Collection[Artifact],
    original: OriginalState = "here",
    begun: Collection[str] = (),
) -> Survey:
    """Compare what is with what should be. `stages` come in an order in which needs precede.

    Artifacts that lost files count only while the original is not `here`, to be published as far as they go. `begun` names
    the item's step folders, finished or not.
    """
    whole = [artifact for artifact in artifacts if not artifact.missing]
    folders = {*begun, *(artifact.folder for artifact in artifacts)}
    result = _survey(item, stages, settings, whole, folders)
    return result if original == "here" else _without_original(result, artifacts, original)


def _survey(
    item: Item,
    stages: Sequence[Stage[Any]],
    settings: Mapping[str, Any],
    artifacts: Collection[Artifact],
    folders: Collection[str],
) -> Survey:
    current: dict[str, Artifact] = {}
    published: dict[str, Artifact] = {}
    steps: list[Step] = []
    waiting: dict[str, str] = {}
    applicable = {stage.name: stage for stage in stages if stage.applies(item)}
    for stage in applicable.values():
        earlier = sorted((a for a in artifacts if a.stage == stage.name), key=lambda a: a.made_at)
        if earlier:
            published[stage.name] = earlier[-1]
        needs = [need for need in stage.needs if need in applicable]
        lacking = [need for need in needs if need not in current]
        if lacking:
            waiting[stage.name] = lacking[0]
            continue
        inputs = {need: current[need] for need in needs}
        inputs |= {name: published[name] for name in stage.uses if name in published}
        candidates = [
            _step(item, stage, version, settings[stage.name], inputs, earlier)
            for version in stage.good_versions
        ]
        step = _chosen(candidates, earlier, folders)
        matching = [a for a in earlier if a.fingerprint == step.fingerprint]
        if matching:
            current[stage.name] = published[stage.name] = matching[-1]
        else:
            steps.append(step)
    return Survey(item, current, published, tuple(steps), waiting)


def _chosen(candidates: Sequence[Step], earlier: Sequence[Artifact], folders: Collection[str]) -> Step:
    """Of the same step under versions that are as good: the one that is finished, or begun, or the newest."""
    finished = {artifact.folder for artifact in earlier}
    existing = [step for found in (finished, folders) for step in candidates if step.folder in found]
    return existing[0] if existing else candidates[0]


def _without_original(
    result: Survey, artifacts: Collection[Artifact], original: Literal["deleted", "missing"]
) -> Survey:
    """What is there stays published as far as it goes, because nothing can replace it.

    If the original was deleted on purpose, what is whole is current; else what is to be done waits for the original.
    """
    newest = {artifact.stage: artifact for artifact in sorted(artifacts, key=lambda each: each.made_at)}
    published = {**newest, **result.published}
    if original == "missing":
        return replace(result, published=published, original=original)
    return Survey(result.item, result.published, published, (), {}, original)


def _step(
    item: Item,
    stage: Stage[Any],
    version: int,
    settings: Any,
    inputs: Mapping[str, Artifact],
    earlier: Sequence[Artifact],
) -> Step:
    recipe: dict[str, Json] = {
        "stage": stage.name,
        "version": version,
        "settings": asdict(settings),
        "original": item.digest,
        "inputs": {need: artifact.digest for need, artifact in inputs.items()},
    }
    fingerprint = digest.of_json(recipe)[:_FINGERPRINT_CHARACTERS]
    return Step(item, stage, recipe, fingerprint, _reason(recipe, earlier), inputs, settings)


def _reason(recipe: Mapping[str, Json], earlier: Sequence[Artifact]) -> str:
    """Why an artifact with this recipe is missing, as the difference to the newest one."""
    if not earlier:
        return "it has not been made yet"
    old = earlier[-1].recipe
    reasons = [f"the {name} artifact it is made from changed" for name in _differing(old, recipe, "inputs")]
    reasons += [
        f"setting {name} changed from {old['settings'].get(name, 'unset')!r} to {recipe['settings'].get(name, 'unset')!r}"
        for name in _differing(old, recipe, "settings")
    ]
    if old["version"] != recipe["version"]:
        reasons.append(f"the stage went from version {old['version']} to {recipe['version']}")
    if old["original"] != recipe["original"]:
        reasons.append("the original changed")
    return "; ".join(reasons) or "its files are missing or damaged"


def _differing(old: Mapping[str, Json], new: Mapping[str, Json], key: str) -> list[str]:
    names = {*old[key], *new[key]}
    return sorted(n for n in names if digest.of_json(old[key].get(n)) != digest.of_json(new[key].get(n)))
