"""The stage `verify`, the gate before a video counts as ready: does its stream conform (`media.conformance`)?

The times of every segment are read and compared with the plan; of the frames only the key frames are decoded, unless
`decode` asks for all. A broken rule parks the video with a sentence. Advice that is not followed is only recorded,
in `verify.json`. Damage in frames that were copied from the source is not the stream's fault: it becomes a note.
"""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from vlogd.core import files
from vlogd.core.errors import BadInput
from vlogd.core.model import Part, View
from vlogd.core.settings import settings
from vlogd.media import memory
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.media.conformance.violations import Violation
from vlogd.media.streaming import tracks
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MASTER = "master.m3u8"


@settings
class VerifySettings:
    """How much is decoded: all frames, the key frames (a sixtieth of the work), or none."""

    decode: Literal["all", "key-frames", "none"] = "key-frames"


@dataclass(frozen=True)
class VerifyFacts:
    """`source_damaged`: frames that were copied from the source do not all decode."""

    source_damaged: bool


def _parts(work: Work[VerifySettings]) -> Sequence[Part]:
    published = tracks.from_json(json.loads((work.inputs["hls"] / tracks.STREAM).read_bytes()))
    largest = max((track.width * track.height for track in published), default=0)
    return (Part("verify", order=1, memory_bytes=memory.decoding_pixels(largest)),)


def _run(_part: Part, ws: Workspace[VerifySettings]) -> VerifyFacts:
    stream = ws.inputs["hls"]
    options = CheckOptions(ws.limits, ws.settings.decode, ws.stop, ws.report_progress)
    findings = check.stream(stream / _MASTER, options)
    copied = artifacts.copied_rendition(stream)
    of_source = [finding for finding in findings if _is_of_source(finding, copied)]
    broken = [finding for finding in findings if finding.level == "must" and finding not in of_source]
    if broken:
        raise BadInput(_sentence(broken))
    content = {"findings": [finding.to_json() for finding in findings]}
    ws.deliver_bytes(files.json_bytes(content), "verify.json")
    return VerifyFacts(source_damaged=bool(of_source))


def _is_of_source(finding: Violation, copied: str | None) -> bool:
    """Whether a frame that does not decode was copied from the source."""
    return finding.rule == "decode" and PurePosixPath(finding.where).parts[0] == copied


def _sentence(broken: Sequence[Violation]) -> str:
    first = broken[0]
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"The finished stream breaks a rule ({first.rule}), {first.where}: {first.sentence}{more} Please report this."


def _view(work: Work[VerifySettings], _have: Set[str]) -> View:
    if "verify" not in work.receipts or not work.facts("verify", VerifyFacts).source_damaged:
        return View()
    return View(facts={"notes": ["Some frames of the file are damaged; they are published as they are."]})


STAGE = Stage(
    name="verify",
    version=1,
    needs=("hls",),
    settings=VerifySettings,
    parts=_parts,
    run=_run,
    view=_view,
    private=True,
)
