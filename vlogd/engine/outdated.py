"""Artifacts that lack something which their stage makes of the same recipe by now. Runs on the library's thread.

A new version of a stage makes every artifact again. A fault that shows in few of them is mended without that: the stage tells
by what lies on disk which artifacts have it (`Stage.is_outdated`), and these count as if they had lost files. So what is
lacking is made in the same folder, and the finished parts are kept.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from vlogd.core.log import get_logger
from vlogd.core.model import Artifact, Item
from vlogd.stages.contract import Outdated, Stage
from vlogd.storage.library import Library
from vlogd.storage.library_documents import ARTIFACT

_log = get_logger()


def marked(
    library: Library, item: Item, artifacts: Sequence[Artifact], stages: Sequence[Stage[Any]]
) -> list[Artifact]:
    """The artifacts, the outdated ones with a missing file. Raises OSError."""
    tests = {stage.name: stage.is_outdated for stage in stages if stage.is_outdated is not None}
    return [
        _missing(artifact)
        if artifact.stage in tests
        and not artifact.missing
        and _is(tests[artifact.stage], library, item, artifact, artifacts)
        else artifact
        for artifact in artifacts
    ]


def _missing(artifact: Artifact) -> Artifact:
    return replace(artifact, missing=(ARTIFACT,))


def _is(
    test: Outdated, library: Library, item: Item, artifact: Artifact, artifacts: Sequence[Artifact]
) -> bool:
    """What `test` says of an artifact; False where its inputs are gone, or something in it cannot be read."""
    by_digest = {(each.stage, each.digest): each for each in artifacts}
    inputs = [by_digest.get((stage, digest)) for stage, digest in artifact.recipe["inputs"].items()]
    folders = {each.stage: library.artifact_folder(item, each) for each in inputs if each is not None}
    try:
        return len(folders) == len(inputs) and test(
            library.artifact_folder(item, artifact), folders, artifact.recipe["settings"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, FileNotFoundError) as error:
        _log.warning("artifact.unreadable", item=item.slug, stage=artifact.stage, why=str(error))
        return False
