"""The stream: a ladder of renditions and AAC sound as HLS with fragmented MP4 (CMAF).

Read on in this order: `ladder` and `sounds` (what is made), `standard` (may the source's own pictures be
published?), `timeline` (where to cut), `plan` (which parts), `graph` and `chunk` (encode), `gate`, `copy`,
`audio`, `segments` (what is delivered), `show` (what viewers see).
"""

from collections.abc import Sequence, Set
from fractions import Fraction
from pathlib import Path

from vlogd.core.errors import ToolFailed
from vlogd.core.model import Part, View
from vlogd.media import ffmpeg
from vlogd.media.packets import PacketScan
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.facts import Facts
from vlogd.stages.hls import audio_encode, stream_copy, video_encode, view
from vlogd.stages.hls import plan as planning
from vlogd.stages.hls.facts import RemuxFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plan import COPY, REMUX, WHOLE, Plan
from vlogd.stages.hls.video_encode import Source
from vlogd.stages.workspace import Workspace

_REMUXED = "remux.mp4"


def _parts(work: Work[HlsSettings]) -> Sequence[Part]:
    return planning.parts(_plan(work), work.receipts)


def _plan(work: Work[HlsSettings]) -> Plan:
    return planning.read(work.inputs["probe"], work.folder, work.receipts, work.settings)


def _run(part: Part, ws: Workspace[HlsSettings]) -> Facts:
    plan = planning.read(ws.inputs["probe"], ws.folder, ws.receipts, ws.settings)
    if part.name == REMUX:
        return _run_remux(plan, ws)
    if part.name == COPY:
        return stream_copy.run(plan, ws)
    for sound in plan.sounds:
        if part.name == sound.part:
            return audio_encode.run(plan, sound, ws)
    if part.name == WHOLE:
        return video_encode.run_whole(plan, ws)
    return video_encode.run(plan, plan.chunks[part.data["chunk"]], _source(plan, ws), ws)


def _source(plan: Plan, ws: Workspace[HlsSettings]) -> Source:
    assert plan.media.video is not None  # noqa: S101 - asked for a chunk of pictures
    if plan.remux_first:
        remuxed = ws.cached(_REMUXED, lambda path: _remux(plan, ws, path))
        zero = Fraction(ws.facts(REMUX, RemuxFacts).zero_seconds)
        return Source(remuxed, round(zero * TICKS), 0)
    return Source(ws.film, round(plan.media.start_seconds * TICKS), plan.media.video.index)


def _run_remux(plan: Plan, ws: Workspace[HlsSettings]) -> RemuxFacts:
    """Copy the pictures of an un-indexed file to MP4 and scan them, so that they can be sought."""
    try:
        remuxed = ws.cached(_REMUXED, lambda path: _remux(plan, ws, path))
    except ToolFailed as error:
        return RemuxFacts(copied=False, why=str(error))
    scan = PacketScan()
    ffmpeg.probe_lines(
        remuxed, "-select_streams", "v:0", *scan.ENTRIES, on_line=scan.hear, limits=ws.limits, stop=ws.stop
    )
    times = scan.times()
    if scan.unknown or len(times) != artifacts.read_probed(ws.inputs["probe"]).frames:
        return RemuxFacts(copied=False, why="the copy does not say when each of its frames is shown")
    ws.deliver_bytes(times.tobytes(), planning.REMUXED_PTS)
    return RemuxFacts(copied=True, time_base=f"1/{TICKS}", zero_seconds="0")


def _remux(plan: Plan, ws: Workspace[HlsSettings], target: Path) -> None:
    """Picture only, times from zero on; the sound is read from the original in one pass."""
    assert plan.media.video is not None  # noqa: S101 - only a picture is remuxed
    stream = ffmpeg.source(ws.film)[str(plan.media.video.index)]
    options = {
        "c": "copy",
        "output_ts_offset": f"{-plan.media.start_seconds:.6f}",
        "avoid_negative_ts": "disabled",
        "video_track_timescale": TICKS,
        "fflags": "+bitexact",
        "f": "mp4",
    }
    ffmpeg.run([ffmpeg.output(stream, target, **options)], limits=ws.limits, stop=ws.stop,
               global_options=("-copyts",))  # fmt: skip


def _view(work: Work[HlsSettings], have: Set[str]) -> View:
    return view.view(_plan(work), work, have)


STAGE = Stage(
    name="hls",
    version=2,
    needs=("probe",),
    settings=HlsSettings,
    parts=_parts,
    run=_run,
    view=_view,
    effort=20.0,
)
