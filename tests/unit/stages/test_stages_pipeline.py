"""The recipes of a dropped file are those of vlogd 0.1.0: nothing that was made by it is made anew, but for `meta`."""

from typing import Any

from vlogd.core.model import Artifact, File, Item
from vlogd.engine.survey import survey
from vlogd.stages.pipeline import STAGES

FINGERPRINTS = {
    "probe": "f8c4102a6ff2",
    "hls": "55120fed1b5f",
    "verify": "c859a79598e7",
    "poster": "d9f63a4c8f68",
    "captions": "4dfeeb333a94",
    "subtitles": "0d86709b6cd1",
    "chapters": "c5aa7d000605",
    "stream": "b4d8826b57cd",
    "meta": "9f642151d6aa",
}
"""What vlogd 0.1.0 computed for this item. Raising a stage's version changes them, on purpose.

A new stream is of version 3 of `hls`; what was made or begun under version 2 keeps its fingerprint.
`meta` is of version 2: version 1 (2c2e64d1f863) published every tag of the file.
"""


def test_fingerprints_are_those_of_the_first_release() -> None:
    """Each stage in turn, made from artifacts with known digests and the default settings."""
    item = Item("1", "a", "a", "main", File("1/a.mp4"), "digest", 1, 0.0)
    settings: dict[str, Any] = {stage.name: stage.settings() for stage in STAGES}
    artifacts: list[Artifact] = []
    begun = {f"hls-{FINGERPRINTS['hls']}"}
    while steps := survey(item, STAGES, settings, artifacts, begun=begun).steps:
        artifacts += [
            Artifact(item.id, step.stage.name, step.fingerprint, f"digest of {step.stage.name}", step.recipe)
            for step in steps
        ]
    assert {artifact.stage: artifact.fingerprint for artifact in artifacts} == FINGERPRINTS
