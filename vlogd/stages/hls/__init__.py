"""The stream: a ladder of H.264 renditions and stereo AAC as HLS with fragmented MP4 (CMAF).

Read on in this order: `ladder` (which renditions), `timeline` (where to cut), `plan` (which parts),
`graph` and `chunk` (encode, gate), `audio`, `mp4` (segments with exact times), `playlists`.
"""

from collections.abc import Mapping, Sequence, Set
from fractions import Fraction
from pathlib import Path

from vlogd import ffmpeg
from vlogd import scan as probed
from vlogd.errors import ToolFailed
from vlogd.model import FileMark, Json, Part, View
from vlogd.scan import PacketScan
from vlogd.stage import Stage, Work
from vlogd.stages.hls import audio, chunk, mp4, playlists
from vlogd.stages.hls import plan as planning
from vlogd.stages.hls.chunk import INIT, Source
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plan import AUDIO, AUDIO_FOLDER, REMUX, WHOLE, Plan
from vlogd.stages.hls.playlists import MASTER, MEDIA, Rate, Variant
from vlogd.stages.hls.timeline import TICKS
from vlogd.workspace import Workspace

_REMUXED = "remux.mp4"


def _parts(work: Work) -> Sequence[Part]:
    return planning.parts(_plan(work), work.receipts)


def _plan(work: Work) -> Plan:
    return planning.read(work.inputs["probe"], work.folder, work.receipts, work.settings)


def _run(part: Part, ws: Workspace) -> Mapping[str, Json]:
    plan = planning.read(ws.inputs["probe"], ws.folder, ws.receipts, ws.settings)
    if part.name == REMUX:
        return _run_remux(plan, ws)
    if part.name == AUDIO:
        return audio.run(plan, ws)
    if part.name == WHOLE:
        return chunk.run_whole(plan, ws)
    return chunk.run(plan, plan.chunks[part.data["chunk"]], _source(plan, ws), ws)


def _source(plan: Plan, ws: Workspace) -> Source:
    assert plan.media.video is not None  # noqa: S101 - asked for a chunk of pictures
    if plan.remux_first:
        remuxed = ws.cached(_REMUXED, lambda path: _remux(plan, ws, path))
        zero = Fraction(ws.receipts[REMUX].facts["zero_seconds"])
        return Source(remuxed, round(zero * TICKS), 0)
    return Source(ws.original, round(plan.media.start_seconds * TICKS), plan.media.video.index)


def _run_remux(plan: Plan, ws: Workspace) -> Mapping[str, Json]:
    """Copy the pictures of an un-indexed file to MP4 and scan them, so that they can be sought."""
    try:
        remuxed = ws.cached(_REMUXED, lambda path: _remux(plan, ws, path))
    except ToolFailed as error:
        return {"copied": False, "why": str(error)}
    scan = PacketScan()
    ffmpeg.probe_lines(
        remuxed, "-select_streams", "v:0", *scan.ENTRIES, on_line=scan.hear, limits=ws.limits, stop=ws.stop
    )
    times = scan.times()
    if scan.unknown or len(times) != probed.read(ws.inputs["probe"]).frames:
        return {"copied": False, "why": "the copy does not say when each of its pictures is shown"}
    ws.deliver_bytes(times.tobytes(), planning.REMUXED_PTS)
    return {"copied": True, "time_base": f"1/{TICKS}", "zero_seconds": "0"}


def _remux(plan: Plan, ws: Workspace, target: Path) -> None:
    """Picture only, times from zero on; the sound is read from the original in one pass."""
    assert plan.media.video is not None  # noqa: S101 - only a picture is remuxed
    stream = ffmpeg.source(ws.original)[str(plan.media.video.index)]
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


def _view(work: Work, have: Set[str]) -> View:
    plan = _plan(work)
    facts: dict[str, Json] = {"playable": False}
    if not plan.borders:
        return View(facts=facts)
    empty = {number for receipt in work.receipts.values() for number in receipt.facts.get("empty", ())}
    count = playlists.whole_segments(plan, have, empty)
    if not count:
        return View(facts=facts)
    marks = {name: mark for receipt in work.receipts.values() for name, mark in receipt.files.items()}
    tracks = playlists.tracks(plan)
    written = {
        f"{track.folder}/{MEDIA}": playlists.media_playlist(track, count, have, complete=work.complete)
        for track in tracks
    }
    variants, sound = _variants(plan, work, marks, count)
    written[MASTER] = playlists.master_playlist(plan, variants, sound, "mp4a.40.2", "")
    facts = {
        "playable": True,
        "stream": MASTER,
        "renditions": [{"name": s.name, "width": s.width, "height": s.height} for s in plan.renditions],
        "notes": _notes(plan, work, count),
    }
    if plan.renditions:
        facts["duration_seconds"] = round((plan.borders[-1] - plan.borders[0]) / TICKS, 3)
    names = {MASTER: playlists.master_playlist(plan, variants, sound, "mp4a.40.2", f"{work.folder.name}/")}
    return View(files=written, names=names, facts=facts)


def _variants(
    plan: Plan, work: Work, marks: Mapping[str, FileMark], count: int
) -> tuple[list[Variant], Rate | None]:
    """The renditions with their codecs and rates, and the sound's rate."""
    by_folder = {track.folder: track for track in playlists.tracks(plan)}
    variants = []
    for size in plan.renditions:
        track = by_folder[size.name]
        measured = playlists.rate(track, marks, count)
        init = (work.folder / size.name / INIT).read_bytes()
        variants.append(
            Variant(size, mp4.codec(init), measured if work.complete else playlists.planned_rate(size))
        )
    if not plan.audio:
        return variants, None
    cap = plan.config.audio_kbps * 1000
    return variants, playlists.rate(by_folder[AUDIO_FOLDER], marks, count) if work.complete else Rate(
        cap, cap
    )


def _notes(plan: Plan, work: Work, count: int) -> list[str]:
    """What viewers should know about a file that was not quite right."""
    lost = sorted({number for r in work.receipts.values() for number in r.facts.get("empty", ())})
    if not lost:
        return []
    seconds = sum(plan.borders[n + 1] - plan.borders[n] for n in lost) / TICKS
    where = "at its end" if lost[-1] >= count else "in places"
    return [f"The file is damaged: about {seconds:.0f} s of picture could not be decoded {where}."]


STAGE = Stage(
    name="hls",
    version=1,
    needs=("probe",),
    settings=HlsSettings,
    parts=_parts,
    run=_run,
    view=_view,
    effort=20.0,
)
