"""The gate before a video counts as ready: does its stream keep the rules (`vlogd.media.conformance`)?

Every segment's times are read and held to the plan; of the pictures only the key frames are decoded unless
`decode` asks for all. A broken rule parks the video with a sentence; advice that is not followed is only
written down, in `verify.json`. What a source's own pictures are guilty of is told as a note.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlogd.core import files
from vlogd.core.errors import BadInput
from vlogd.core.model import Part, View
from vlogd.core.settings import settings
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.media.conformance.findings import Finding
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MASTER = "master.m3u8"
_COPIED = "-copy/"


@settings
class VerifySettings:
    """How much is decoded: all pictures, the key frames (a sixtieth of the work), or none."""

    decode: Literal["all", "key-frames", "none"] = "key-frames"


@dataclass(frozen=True)
class VerifyFacts:
    """`source_damaged`: frames that were copied from the source do not all decode."""

    source_damaged: bool


def _parts(_work: Work[VerifySettings]) -> Sequence[Part]:
    return (Part("verify", order=1),)


def _run(_part: Part, ws: Workspace[VerifySettings]) -> VerifyFacts:
    master: Path = ws.inputs["hls"] / _MASTER
    options = CheckOptions(ws.limits, ws.settings.decode, ws.stop, ws.report_progress)
    found = check.stream(master, options)
    blamed_on_source = [one for one in found if one.rule == "decode" and _COPIED in one.where]
    broken = [one for one in found if one.level == "must" and one not in blamed_on_source]
    if broken:
        raise BadInput(_sentence(broken))
    ws.deliver_bytes(files.json_bytes({"findings": [one.to_json() for one in found]}), "verify.json")
    return VerifyFacts(bool(blamed_on_source))


def _sentence(broken: Sequence[Finding]) -> str:
    first = broken[0]
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    return f"The finished stream breaks a rule ({first.rule}), {first.where}: {first.sentence}{more} Please report this."


def _view(work: Work[VerifySettings], _have: Set[str]) -> View:
    damaged = "verify" in work.receipts and work.facts("verify", VerifyFacts).source_damaged
    return View(
        facts={"notes": ["Some pictures of the file are damaged; they are shown as they are."]}
        if damaged
        else {}
    )


STAGE = Stage(
    name="verify", version=1, needs=("hls",), settings=VerifySettings, parts=_parts, run=_run, view=_view
)
