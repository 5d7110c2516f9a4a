"""Encodes a chunk: all renditions from one decode, validated against the plan, cut into segments.

A chunk is valid when every planned frame came, once, at its time, and each GOP begins with a key frame. If it isn't, the
chunk is encoded again without seeking, because a demuxer that seeks badly loses or scrambles frames; a chunk that a
hardware encoder or decoder fails on is encoded in software. If that doesn't help either, the frames that can be decoded
are published at their own times and the receipt says so. A segment in which nothing can be decoded is left out.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vlogd.core.cancellation import Stop
from vlogd.core.errors import ToolFailed, ToolStalled
from vlogd.media import ffmpeg, refusals
from vlogd.media.encoders import Encoder, Family, pick
from vlogd.media.ffprobe import VideoStream
from vlogd.media.process import Limits
from vlogd.media.streaming.frame_times import Mismatch
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import filter_graph, validate
from vlogd.stages.hls.facts import EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition, too_similar
from vlogd.stages.hls.plans import ChunkedPlan, WholeFilePlan
from vlogd.stages.hls.timeline import Chunk
from vlogd.stages.workspace import Workspace

_SEEK_MARGIN_SECONDS = Fraction(3, 2)
"""How far before the chunk decoding begins at least, where key frames are not known: ffmpeg seeks to a key frame before
that, and containers that index by time (Matroska, AVI) may point behind the wanted frame's key frame by a second."""

_SEEK_BEHIND_KEY_SECONDS = Fraction(1, 1000)
"""So that rounding doesn't seek to the key frame before; two frames are never as close as this."""

_HARDWARE_DECODERS = {"nvenc": "cuda", "vaapi": "vaapi", "qsv": "qsv"}
"""The `hwaccel` of each family of hardware encoders: frames are decoded by the same device."""


@dataclass(frozen=True)
class Source:
    """Where a chunk is read from.

    `zero_ticks`: the source's time, in 1/90000 s, that is published as zero. `index`: the video stream's index in this
    file.
    """

    path: Path
    zero_ticks: int
    index: int

    def stream(self, video: VideoStream) -> VideoStream:
        """The video as it is in this file."""
        return replace(video, index=self.index)


@dataclass(frozen=True)
class Attempt:
    """A way to encode, and what the receipt says of it ("" for the usual way)."""

    fallback: str
    family: Family
    seek: bool


def run(plan: ChunkedPlan, chunk: Chunk, source: Source, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Encode and deliver one chunk. Raises BadInput when nothing of the whole film can be decoded."""
    failure: ToolFailed | ToolStalled | None = None
    for attempt in attempts(plan.config.encoder, seekable=plan.timeline.frames(chunk)[0] > 0):
        try:
            _encode(plan, chunk, source, ws, attempt)
            failure = None
            gops = {
                rendition.name: validate.exact_gops(plan.timeline, chunk, rendition, ws)
                for rendition in plan.renditions
            }
        except Mismatch:
            continue
        except (ToolFailed, ToolStalled) as error:
            failure = error
            if attempt.family == "software":
                raise
            continue
        return replace(_deliver(plan, chunk, gops, ws), fallback=attempt.fallback)
    if failure is not None:
        raise failure
    return _publish_decodable(plan, chunk, ws)


def _publish_decodable(plan: ChunkedPlan, chunk: Chunk, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Deliver what the last attempt decoded."""
    gops = {
        rendition.name: validate.decodable_gops(rendition, chunk, plan.boundaries, ws)
        for rendition in plan.renditions
    }
    facts = _deliver(plan, chunk, gops, ws)
    empty = facts.empty or ()
    if len(plan.chunks) == 1 and len(empty) == chunk.last - chunk.first:
        raise refusals.NO_FRAME_DECODES.error()
    return replace(facts, fallback="published as it decodes: pictures are missing or damaged", empty=empty)


def _deliver(plan: ChunkedPlan, chunk: Chunk, gops: validate.Gops, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Deliver the renditions; the first chunk determines which are too similar to another."""
    similar: list[str] = []
    if chunk.number == 0 and plan.config.skip_similar:
        sizes = {name: validate.size_bytes(of_rendition) for name, of_rendition in gops.items()}
        similar = too_similar(plan.renditions, sizes)
    kept = [rendition for rendition in plan.renditions if rendition.name not in similar]
    gops_before = plan.timeline.gops_before(plan.timeline.frames(chunk)[0])
    delivered = validate.deliver(kept, gops, chunk, plan.boundaries, ws, gops_before)
    return replace(delivered, similar=tuple(similar))


def attempts(family: Family, *, seekable: bool) -> list[Attempt]:
    """The ways to encode, to be tried in turn. `seekable`: it begins later than the file."""
    ways = [Attempt("", family, seek=True)]
    if family != "software":
        ways.append(Attempt("encoded in software: the hardware failed", "software", seek=True))
    if seekable:
        ways.append(Attempt("decoded from the start: seeking lost pictures", "software", seek=False))
    return ways


def _encode(
    plan: ChunkedPlan, chunk: Chunk, source: Source, ws: Workspace[HlsSettings], attempt: Attempt
) -> None:
    timeline = plan.timeline
    first, last = timeline.frames(chunk)
    encoders = pick_all(attempt.family, plan.renditions, ws.limits, ws.stop)
    to_source = source.zero_ticks - OFFSET
    filter_shift, muxer_shift = filter_graph.split_shift(timeline.pts[first] + to_source, source.zero_ticks)
    stream = filter_graph.frames(
        ffmpeg.source(source.path, **seek_options(plan, first, attempt), **hardware_decoder(encoders)),
        source.stream(plan.video),
        timeline.pts[first] + to_source if first else None,
        timeline.pts[last] + to_source if last < len(timeline.pts) else None,
        filter_shift,
        timeline.keep_every,
    )
    key_frames = filter_graph.key_frames_at(
        [(timeline.pts[key] - OFFSET + muxer_shift) / TICKS for key in timeline.key_frames(first, last)]
    )
    start_seconds = (timeline.pts[first] - OFFSET + muxer_shift) / TICKS
    seconds = (plan.boundaries[chunk.last] - plan.boundaries[chunk.first]) / TICKS
    run_encoders(
        plan,
        ws,
        stream,
        encoders,
        key_frames,
        shift=muxer_shift,
        limits=limits_of(ws, plan, first, attempt),
        share=lambda reached: (reached - start_seconds) / seconds,
    )


def limits_of(ws: Workspace[HlsSettings], plan: ChunkedPlan, first: int, attempt: Attempt) -> Limits:
    """Those of the workspace; when decoding from the start, there is no output while frames before `first` are dropped."""
    if attempt.seek:
        return ws.limits
    before_seconds = (plan.timeline.pts[first] - OFFSET) / TICKS
    return replace(ws.limits, stall_seconds=ws.limits.stall_seconds + before_seconds)


def seek_options(plan: ChunkedPlan, first: int, attempt: Attempt) -> dict[str, object]:
    """Input options to begin shortly before frame `first`.

    `noaccurate_seek`: ffmpeg must not drop frames itself, because the graph cuts at exact times.
    """
    seconds = _seek_seconds(plan, plan.timeline.pts[first])
    if not (attempt.seek and first and seconds > 0):
        return {}
    return {"ss": f"{float(seconds):.6f}", "noaccurate_seek": None}


def _seek_seconds(plan: ChunkedPlan, begin: int) -> Fraction:
    """Where to seek to decode from `begin` (published ticks) on: to the key frame of a closed GOP where it is known."""
    at = bisect_right(plan.source_keys, begin)
    if at:
        return Fraction(plan.source_keys[at - 1] - OFFSET, TICKS) + _SEEK_BEHIND_KEY_SECONDS
    return Fraction(begin - OFFSET, TICKS) - _SEEK_MARGIN_SECONDS


def hardware_decoder(encoders: Sequence[Encoder]) -> dict[str, object]:
    """Input options: the decoder of the hardware encoder's device; ffmpeg itself falls back to software where it can't decode."""
    device = next((_HARDWARE_DECODERS[encoder.family] for encoder in encoders if encoder.hardware), None)
    return {"hwaccel": device} if device else {}


def pick_all(
    family: Family, renditions: Sequence[Rendition], limits: Limits, stop: Stop | None
) -> list[Encoder]:
    """The encoder of each rendition. Raises as `pick`."""
    return [
        pick(family, rendition.codec, limits, min(rendition.width, rendition.height), stop)
        for rendition in renditions
    ]


def run_encoders(
    plan: ChunkedPlan | WholeFilePlan,
    ws: Workspace[HlsSettings],
    stream: ffmpeg.Stream,
    encoders: Sequence[Encoder],
    key_frames: Mapping[str, object],
    *,
    shift: int,
    limits: Limits,
    share: Callable[[float], float],
) -> None:
    """One ffmpeg for all renditions. `share` turns the output time (seconds) into the share that is done."""
    branches = filter_graph.scaled(stream, plan.video, plan.renditions)
    ffmpeg.run(
        [
            filter_graph.encoded(
                branch,
                validate.encoded_path(ws, rendition),
                rendition,
                encoder,
                plan.config,
                plan.frame_rate,
                key_frames,
                shift,
            )
            for branch, rendition, encoder in zip(branches, plan.renditions, encoders, strict=True)
        ],
        limits=limits,
        stop=ws.stop,
        on_progress_seconds=lambda reached: ws.report_progress(share(reached)),
        global_options=(*dict.fromkeys(encoders[0].global_options), *filter_graph.GLOBAL_OPTIONS),
    )
