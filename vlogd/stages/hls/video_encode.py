"""Encodes a chunk: all renditions from one decode, held to the plan, cut into segments.

The gate: every picture that was planned came, once, at its time, and each GOP begins with a key
frame. A chunk that fails it is done again without seeking (a demuxer that seeks badly loses or
scrambles pictures), one that a hardware encoder or decoder fails is done in software; if it still
fails, the pictures that can be decoded are published at their own times and the artifact says so. A
segment in which nothing decodes is left out.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vlogd.core.errors import BadInput, ToolFailed, ToolStalled
from vlogd.media import ffmpeg
from vlogd.media.encoders import Encoder, Family, pick
from vlogd.media.process import Limits
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.frame_times import Mismatch
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import filter_graph, validate
from vlogd.stages.hls.facts import EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plan import Plan
from vlogd.stages.hls.timeline import Chunk
from vlogd.stages.workspace import Workspace

_BEFORE_SECONDS = Fraction(3, 2)
"""How far before the chunk decoding begins at least; ffmpeg goes to the key frame before that."""

_BEHIND_KEY_SECONDS = Fraction(1, 1000)
"""So that rounding does not seek to the key frame before; two pictures are never as close as this."""


@dataclass(frozen=True)
class Source:
    """Where a chunk is read from.

    `zero_ticks`: the source's time, in 1/90000 s, that is published as zero. `index`: the stream's
    index in this file.
    """

    path: Path
    zero_ticks: int
    index: int


@dataclass(frozen=True)
class _Attempt:
    """A way to encode, and what the artifact says of it ("" for the usual way)."""

    told: str
    family: Family
    seek: bool


def run(plan: Plan, chunk: Chunk, source: Source, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Encode and deliver one chunk. The facts say which fallback was used."""
    assert plan.timeline is not None  # noqa: S101 - a chunk comes from a timeline
    first, last = plan.timeline.frames(chunk)
    planned = plan.timeline.pts[first:last]
    failure: ToolFailed | ToolStalled | None = None
    for attempt in _attempts(plan.config.encoder, seekable=first > 0):
        try:
            _encode(plan, chunk, source, ws, attempt)
            failure = None
            found = {size.name: validate.exact(plan, chunk, size, planned, ws) for size in plan.renditions}
        except Mismatch:
            continue
        except (ToolFailed, ToolStalled) as error:
            failure = error
            if attempt.family == "software":
                raise
            continue
        return replace(validate.deliver(plan, chunk, found, ws), fallback=attempt.told)
    if failure is not None:
        raise failure
    found = {size.name: validate.as_it_came(plan, chunk, size, ws) for size in plan.renditions}
    facts = validate.deliver(plan, chunk, found, ws)
    empty = facts.empty or ()
    if chunk.number == 0 and len(empty) == chunk.last - chunk.first and len(plan.chunks) == 1:
        raise BadInput("Not one picture of the file can be decoded; it is damaged.")
    return replace(facts, fallback="published as it decodes: pictures are missing or damaged", empty=empty)


def _attempts(family: Family, *, seekable: bool) -> list[_Attempt]:
    ways = [_Attempt("", family, seek=True)]
    if family != "software":
        ways.append(_Attempt("encoded in software: the hardware failed", "software", seek=True))
    if seekable:
        ways.append(_Attempt("decoded from the start: seeking lost pictures", "software", seek=False))
    return ways


def _encode(plan: Plan, chunk: Chunk, source: Source, ws: Workspace[HlsSettings], attempt: _Attempt) -> None:
    times, video = plan.timeline, plan.media.video
    assert times is not None and video is not None  # noqa: S101, PT018 - a chunk has both
    first, last = times.frames(chunk)
    begin = times.pts[first] - OFFSET + source.zero_ticks
    options: dict[str, object] = {}
    seek_seconds = _seek_seconds(plan, times.pts[first])
    if attempt.seek and first and seek_seconds > 0:
        options = {"ss": f"{float(seek_seconds):.6f}", "noaccurate_seek": None}
    encoders = [pick(attempt.family, size.codec, ws.limits) for size in plan.renditions]
    options |= _hardware_decoder(encoders)
    stream = filter_graph.pictures(
        ffmpeg.source(source.path, **options),
        replace(video, index=source.index),
        begin if first else None,
        times.pts[last] - OFFSET + source.zero_ticks if last < len(times.pts) else None,
        source.zero_ticks,
        times.keep_every,
    )
    keys = filter_graph.at_times(
        [(times.pts[key] - OFFSET) / TICKS for key in validate.keys_of(times, first, last)]
    )
    started = (times.pts[first] - OFFSET) / TICKS
    seconds = (plan.borders[chunk.last] - plan.borders[chunk.first]) / TICKS
    limits = ws.limits if attempt.seek else _patient(ws.limits, started)
    _run_encoders(plan, ws, stream, encoders, keys, limits, lambda reached: (reached - started) / seconds)


def _patient(limits: Limits, before_seconds: float) -> Limits:
    """Limits for decoding from the start: nothing comes out while the pictures before the chunk are dropped."""
    return replace(limits, stall_seconds=limits.stall_seconds + before_seconds)


def _seek_seconds(plan: Plan, begin: int) -> Fraction:
    """Where to seek to decode from `begin` on: to a key frame of a closed GOP where they are known.

    Otherwise some way before, because a demuxer may land behind the wanted picture's key frame.
    """
    at = bisect_right(plan.source_keys, begin)
    if at:
        return Fraction(plan.source_keys[at - 1] - OFFSET, TICKS) + _BEHIND_KEY_SECONDS
    return Fraction(begin - OFFSET, TICKS) - _BEFORE_SECONDS


def _run_encoders(
    plan: Plan,
    ws: Workspace[HlsSettings],
    stream: ffmpeg.Stream,
    encoders: Sequence[Encoder],
    keys: Mapping[str, object],
    limits: Limits,
    share: Callable[[float], float],
) -> None:
    """One ffmpeg for all renditions."""
    assert plan.media.video is not None  # noqa: S101 - asked for pictures only
    branches = filter_graph.scaled(stream, plan.media.video, plan.renditions)
    ffmpeg.run(
        [
            filter_graph.encoded(branch, validate.encoded_path(ws, size), size, encoder, plan.config, keys)
            for branch, size, encoder in zip(branches, plan.renditions, encoders, strict=True)
        ],
        limits=limits,
        stop=ws.stop,
        tell_seconds=lambda reached: ws.report_progress(share(reached)),
        global_options=(*dict.fromkeys(encoders[0].global_options), *filter_graph.GLOBAL_OPTIONS),
    )


def _hardware_decoder(encoders: Sequence[Encoder]) -> dict[str, object]:
    """The decoder of the encoder's own make; ffmpeg goes on in software where it cannot."""
    made_by = {"nvenc": "cuda", "vaapi": "vaapi", "qsv": "qsv"}
    found = next((made_by[one.family] for one in encoders if one.hardware), None)
    return {"hwaccel": found} if found else {}


def run_whole(plan: Plan, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Encode a file that does not say when its pictures are shown: in one go, times as they come."""
    video = plan.media.video
    assert video is not None  # noqa: S101 - asked for pictures only
    zero = round(plan.media.start_seconds * TICKS)
    stream = filter_graph.pictures(ffmpeg.source(ws.film), video, None, None, zero, 1)
    length = max(1.0, plan.media.duration_seconds)
    encoders = [pick("software", size.codec, ws.limits) for size in plan.renditions]
    keys = filter_graph.every(plan.config.gop_seconds)
    _run_encoders(plan, ws, stream, encoders, keys, ws.limits, lambda reached: reached / length)
    borders = _found_borders(plan, validate.read(ws, plan.renditions[0]))
    known = replace(plan, borders=tuple(borders), config=replace(plan.config, skip_similar=False))
    chunk = Chunk(0, 0, len(borders) - 1)
    found = {size.name: validate.as_it_came(known, chunk, size, ws) for size in plan.renditions}
    return replace(
        validate.deliver(known, chunk, found, ws),
        fallback="encoded in one go: the file does not say when its pictures are shown",
        borders=tuple(borders),
    )


def _found_borders(plan: Plan, gops: Sequence[Fragment]) -> list[int]:
    """Segment borders at the key frames nearest behind each multiple of the segment's length."""
    starts = sorted(min(gop.pts) for gop in gops if gop.sync[0])
    if not starts:
        raise BadInput("Not one picture of the file can be decoded; it is damaged.")
    step = plan.config.segment_seconds * TICKS
    borders = [min(OFFSET, starts[0])]
    for start in starts[1:]:
        if start - borders[-1] >= step - TICKS // 2:
            borders.append(start)
    shown = sorted(time for gop in gops for time in gop.pts)
    last = shown[-1] - shown[-2] if len(shown) > 1 else TICKS // 25
    return [*borders, shown[-1] + max(1, min(TICKS, last))]
