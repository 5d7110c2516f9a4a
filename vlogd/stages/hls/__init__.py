"""The stream: a ladder of video renditions and AAC audio as HLS with fragmented MP4 (CMAF).

Read on in this order: `ladder` and `audio_tracks` (what is made), `passthrough` (may the source's own frames be
published?), `timeline` and `hold` (where to cut), `plans`, `plan` and `parts` (how, and in which pieces),
`filter_graph` and `video_encode` (encoding a chunk), `validate` and `segment_writer` (what is delivered),
`hold_encode`, `stream_copy`, `remux`, `whole_file_encode`, `audio_encode` and `decoded_audio` (the other parts), `view`
and `notes` (what viewers see), `outdated` (which streams of earlier versions lack something).
"""

from collections.abc import Sequence, Set

from vlogd.core.model import Part, View
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.contract import Stage, Work
from vlogd.stages.facts import Facts
from vlogd.stages.hls import (
    audio_encode,
    hold_encode,
    outdated,
    remux,
    stream_copy,
    video_encode,
    view,
    whole_file_encode,
)
from vlogd.stages.hls import parts as planned_parts
from vlogd.stages.hls import plan as planning
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plans import REMUX, ChunkedPlan, Plan, UnindexedPlan, WholeFilePlan
from vlogd.stages.hls.video_encode import Source
from vlogd.stages.workspace import Workspace


def _plan(work: Work[HlsSettings]) -> Plan:
    return planning.read(work.inputs["probe"], work.folder, work.receipts, work.settings)


def _parts(work: Work[HlsSettings]) -> Sequence[Part]:
    return planned_parts.parts(_plan(work))


def _run(part: Part, ws: Workspace[HlsSettings]) -> Facts:
    plan = planning.read(ws.inputs["probe"], ws.folder, ws.receipts, ws.settings)
    if isinstance(plan, UnindexedPlan):
        return remux.run(plan, ws)
    for rendition in plan.audio:
        if part.name == rendition.part:
            return audio_encode.run(plan, rendition, ws)
    match plan:
        case WholeFilePlan() if part.name != REMUX:
            return whole_file_encode.run(plan, ws)
        case ChunkedPlan(copied=Rendition() as copied) if part.name == plan.copy_part:
            return stream_copy.run(plan, copied, ws)
        case ChunkedPlan() if "chunk" in part.data:
            return video_encode.run(plan, plan.chunks[part.data["chunk"]], _source(plan, ws), ws)
        case ChunkedPlan() if (hold := plan.held(part.name)) is not None:
            return hold_encode.run(plan, hold, _source(plan, ws), ws)
    raise ValueError(f"the stage hls has no part {part.name}")


def _source(plan: ChunkedPlan, ws: Workspace[HlsSettings]) -> Source:
    if plan.remuxed:
        return remux.source(plan, ws)
    return Source(ws.film, round(plan.media.start_seconds * TICKS), plan.video.index)


def _view(work: Work[HlsSettings], have: Set[str]) -> View:
    return view.view(_plan(work), work, have)


STAGE = Stage(
    name="hls",
    version=3,
    good_since=2,  # what it made depends on the processor: docs/decisions/0031
    needs=("source", "probe"),
    settings=HlsSettings,
    parts=_parts,
    run=_run,
    view=_view,
    effort=20.0,
    is_outdated=outdated.is_outdated,
)
