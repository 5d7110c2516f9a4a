"""Encodes a chunk: all renditions from one decode, held to the plan, cut into segments.

The gate: every picture that was planned came, once, at its time, and each GOP begins with a key
frame. A chunk that fails it is done again without seeking (a demuxer that seeks badly loses or
scrambles pictures); if it still fails, the pictures that can be decoded are published at their
own times and the artifact says so. A segment in which nothing decodes is left out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vlogd import ffmpeg
from vlogd.errors import BadInput
from vlogd.model import Json
from vlogd.stages.hls import graph, mp4
from vlogd.stages.hls.ladder import Rendition
from vlogd.stages.hls.mp4 import Fragment, Mismatch
from vlogd.stages.hls.plan import Plan
from vlogd.stages.hls.timeline import OFFSET, TICKS, Chunk, Timeline
from vlogd.workspace import Workspace

_BEFORE_SECONDS = Fraction(3, 2)
"""How far before the chunk decoding begins at least; ffmpeg goes to the key frame before that."""

INIT = "init.mp4"


def segment_name(number: int) -> str:
    """The file name of a media segment."""
    return f"{number:05d}.m4s"


@dataclass(frozen=True)
class Source:
    """Where a chunk is read from.

    `zero_ticks`: the source's time, in 1/90000 s, that is published as zero. `index`: the stream's
    index in this file.
    """

    path: Path
    zero_ticks: int
    index: int


def run(plan: Plan, chunk: Chunk, source: Source, ws: Workspace) -> dict[str, Json]:
    """Encode and deliver one chunk. The facts say which fallback was used."""
    assert plan.timeline is not None  # noqa: S101 - a chunk comes from a timeline
    first, last = plan.timeline.frames(chunk)
    planned = plan.timeline.pts[first:last]
    seconds = (plan.borders[chunk.last] - plan.borders[chunk.first]) / TICKS
    for attempt in ("seek", "from-start"):
        if attempt == "from-start" and first == 0:
            continue
        _encode(plan, chunk, source, ws, seconds, seek=attempt == "seek")
        try:
            for size in plan.renditions:
                _deliver_exact(plan, chunk, size, planned, ws)
        except Mismatch:
            continue
        return {} if attempt == "seek" else {"fallback": "decoded from the start: seeking lost pictures"}
    empty, *_ = [_deliver_found(plan, chunk, size, ws) for size in plan.renditions]
    if chunk.number == 0 and len(empty) == chunk.last - chunk.first and len(plan.chunks) == 1:
        raise BadInput("Not one picture of the file can be decoded; it is damaged.")
    return {"fallback": "published as it decodes: pictures are missing or damaged", "empty": empty}


def _encode(plan: Plan, chunk: Chunk, source: Source, ws: Workspace, seconds: float, *, seek: bool) -> None:
    times, video = plan.timeline, plan.media.video
    assert times is not None and video is not None  # noqa: S101, PT018 - a chunk has both
    first, last = times.frames(chunk)
    begin = times.pts[first] - OFFSET + source.zero_ticks
    options: dict[str, object] = {}
    seek_seconds = Fraction(times.pts[first] - OFFSET, TICKS) - _BEFORE_SECONDS
    if seek and first and seek_seconds > 0:
        options = {"ss": f"{float(seek_seconds):.6f}", "noaccurate_seek": None}
    stream = graph.pictures(
        ffmpeg.source(source.path, **options),
        replace(video, index=source.index),
        begin if first else None,
        times.pts[last] - OFFSET + source.zero_ticks if last < len(times.pts) else None,
        source.zero_ticks,
        times.keep_every,
    )
    keys = graph.at_times([(times.pts[key] - OFFSET) / TICKS for key in _keys(times, first, last)])
    outputs = [
        graph.encoded(branch, _encoded_path(ws, size), size, plan.config, keys)
        for branch, size in zip(graph.scaled(stream, video, plan.renditions), plan.renditions, strict=True)
    ]
    started = (times.pts[first] - OFFSET) / TICKS
    ffmpeg.run(
        outputs,
        limits=ws.limits,
        stop=ws.stop,
        tell_seconds=lambda reached: ws.tell_progress((reached - started) / seconds),
        global_options=graph.GLOBAL_OPTIONS,
    )


def _keys(times: Timeline, first: int, last: int) -> Sequence[int]:
    return times.keys[bisect_left(times.keys, first) : bisect_left(times.keys, last)]


def _encoded_path(ws: Workspace, size: Rendition) -> Path:
    return ws.scratch / f"{size.name}.mp4"


def _deliver_exact(plan: Plan, chunk: Chunk, size: Rendition, planned: Sequence[int], ws: Workspace) -> None:
    """Check one rendition against the plan, then deliver its segments. Raises Mismatch."""
    times = plan.timeline
    assert times is not None  # noqa: S101 - a chunk comes from a timeline
    first, last = times.frames(chunk)
    gops = _read(ws, size)
    keys = _keys(times, first, last)
    if len(gops) != len(keys):
        raise Mismatch(f"{len(keys)} GOPs were planned, {len(gops)} came")
    exact = []
    for gop, key, after in zip(gops, keys, [*keys[1:], last], strict=True):
        pts = mp4.snapped(gop.pts, planned[key - first : after - first])
        if not gop.sync[0] or pts[0] != times.pts[key]:
            raise Mismatch("a GOP does not begin with its key frame")
        exact.append((pts, times.time_after(after), gop))
    _deliver(plan, chunk, size, exact, ws)


def _deliver_found(plan: Plan, chunk: Chunk, size: Rendition, ws: Workspace) -> list[int]:
    """Deliver what came, at its own times; the numbers of segments that stay empty."""
    gops = _read(ws, size)
    ends = [*(min(gop.pts) for gop in gops[1:]), plan.borders[chunk.last]]
    found = [
        (list(gop.pts), max(end, max(gop.pts) + 1), gop)
        for gop, end in zip(gops, ends, strict=True)
        if gop.sync[0]
    ]
    return _deliver(plan, chunk, size, found, ws)


def _read(ws: Workspace, size: Rendition) -> list[Fragment]:
    with _encoded_path(ws, size).open("rb") as file:
        init = mp4.init_bytes(file)
        return [fragment for fragment, _ in mp4.fragments(file, len(init)) if fragment.pts]


def _deliver(
    plan: Plan, chunk: Chunk, size: Rendition, gops: Sequence[tuple[list[int], int, Fragment]], ws: Workspace
) -> list[int]:
    """Write the segments of one rendition; the numbers of those that have no picture."""
    path = _encoded_path(ws, size)
    by_segment: dict[int, list[bytes]] = {}
    for pts, end, gop in gops:
        number = min(max(bisect_right(plan.borders, min(pts)) - 1, chunk.first), chunk.last - 1)
        data = mp4.read_span(path, gop.data_at, sum(gop.sizes))
        ticks_since_start = (min(pts) - OFFSET) // TICKS
        by_segment.setdefault(number, []).append(
            mp4.video_fragment(ticks_since_start + 1, pts, end, gop.sizes, data)
        )
    with path.open("rb") as file:
        ws.deliver_bytes(mp4.init_bytes(file), f"{size.name}/{INIT}")
    for number, written in sorted(by_segment.items()):
        ws.deliver_bytes(mp4.segment(written), f"{size.name}/{segment_name(number)}")
    return [number for number in range(chunk.first, chunk.last) if number not in by_segment]


def run_whole(plan: Plan, ws: Workspace) -> Mapping[str, Json]:
    """Encode a file that does not say when its pictures are shown: in one go, times as they come."""
    video = plan.media.video
    assert video is not None  # noqa: S101 - asked for pictures only
    zero = round(plan.media.start_seconds * TICKS)
    stream = graph.pictures(ffmpeg.source(ws.original), video, None, None, zero, 1)
    outputs = [
        graph.encoded(
            branch, _encoded_path(ws, size), size, plan.config, graph.every(plan.config.gop_seconds)
        )
        for branch, size in zip(graph.scaled(stream, video, plan.renditions), plan.renditions, strict=True)
    ]
    length = max(1.0, plan.media.duration_seconds)
    ffmpeg.run(
        outputs,
        limits=ws.limits,
        stop=ws.stop,
        tell_seconds=lambda reached: ws.tell_progress(reached / length),
        global_options=graph.GLOBAL_OPTIONS,
    )
    borders = _found_borders(plan, _read(ws, plan.renditions[0]))
    known = Plan(**{**plan.__dict__, "borders": tuple(borders)})
    for size in plan.renditions:
        _deliver_found(known, Chunk(0, 0, len(borders) - 1), size, ws)
    return {
        "fallback": "encoded in one go: the file does not say when its pictures are shown",
        "borders": borders,
    }


def _found_borders(plan: Plan, gops: Sequence[Fragment]) -> list[int]:
    """Segment borders at the key frames nearest behind each multiple of the segment's length."""
    starts = sorted(min(gop.pts) for gop in gops if gop.sync[0])
    if not starts:
        raise BadInput("Not one picture of the file can be decoded; it is damaged.")
    step = plan.config.segment_seconds * TICKS
    borders = [starts[0]]
    for start in starts[1:]:
        if start - borders[-1] >= step - TICKS // 2:
            borders.append(start)
    shown = sorted(time for gop in gops for time in gop.pts)
    last = shown[-1] - shown[-2] if len(shown) > 1 else TICKS // 25
    return [*borders, shown[-1] + max(1, min(TICKS, last))]
