"""Encodes a picture that stands while there is only sound (`hold`): one GOP, whose bytes are all of its GOPs."""

from collections.abc import Iterator

from vlogd.core.errors import ToolFailed, ToolStalled
from vlogd.media import ffmpeg
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.tracks import OFFSET
from vlogd.stages.hls import filter_graph, validate
from vlogd.stages.hls.facts import EncodeFacts, KeyFrameSpans
from vlogd.stages.hls.hold import Hold
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plans import ChunkedPlan
from vlogd.stages.hls.segment_writer import Gop
from vlogd.stages.hls.timeline import Chunk
from vlogd.stages.hls.video_encode import (
    Attempt,
    Source,
    attempts,
    hardware_decoder,
    limits_of,
    pick_all,
    run_encoders,
    seek_options,
)
from vlogd.stages.workspace import Workspace


def run(plan: ChunkedPlan, hold: Hold, source: Source, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Encode and deliver the segments. Where no picture can be decoded they are left out, and the facts say so."""
    segments = Chunk(0, hold.first, hold.first + hold.segments)
    for frame, attempt in _attempts(plan, hold):
        try:
            _encode(plan, hold, frame, source, ws, attempt)
        except (ToolFailed, ToolStalled):
            if attempt.family == "software":
                raise
            continue
        encoded = [validate.read(ws, rendition) for rendition in plan.renditions]
        if all(_is_one_gop(fragments, hold) for fragments in encoded):
            gops = {
                rendition.name: _repeated(fragment, hold, rendition, ws)
                for rendition, (fragment,) in zip(plan.renditions, encoded, strict=True)
            }
            gops_before = plan.timeline.gops_before(len(plan.timeline.pts)) if hold.first else 0
            return validate.deliver(plan.renditions, gops, segments, plan.boundaries, ws, gops_before)
    numbers = tuple(range(segments.first, segments.last))
    nothing: dict[str, tuple[KeyFrameSpans, ...]] = {
        rendition.name: ((),) * len(numbers) for rendition in plan.renditions
    }
    return EncodeFacts(iframes=nothing, empty=numbers)


def _attempts(plan: ChunkedPlan, hold: Hold) -> Iterator[tuple[int, Attempt]]:
    """The frame to hold and ways to decode it; then frames before it, because the file may be damaged just there."""
    for attempt in attempts(plan.config.encoder, seekable=hold.frame > 0):
        yield hold.frame, attempt
    for frame in sorted({plan.timeline.cuts[-1], 0} - {hold.frame}, reverse=True):
        if frame < hold.frame:
            yield frame, Attempt("", "software", seek=True)


def _encode(
    plan: ChunkedPlan, hold: Hold, frame: int, source: Source, ws: Workspace[HlsSettings], attempt: Attempt
) -> None:
    """One GOP of the first frame that can be decoded from the one with the index `frame` on."""
    encoders = pick_all(attempt.family, plan.renditions, ws.limits, ws.stop)
    time = plan.timeline.pts[frame] + source.zero_ticks - OFFSET
    filter_shift, muxer_shift = filter_graph.split_shift(time, source.zero_ticks)
    stream = filter_graph.frames(
        ffmpeg.source(source.path, **seek_options(plan, frame, attempt), **hardware_decoder(encoders)),
        source.stream(plan.video),
        time if frame else None,
        None,
        filter_shift,
        keep_every=1,
    )
    run_encoders(
        plan,
        ws,
        filter_graph.repeated(stream, hold.gop_frames),
        encoders,
        filter_graph.EVERY_FRAME,
        shift=muxer_shift,
        limits=limits_of(ws, plan, frame, attempt),
        share=lambda _reached: 1.0,
    )


def _is_one_gop(fragments: list[Fragment], hold: Hold) -> bool:
    return len(fragments) == 1 and len(fragments[0].pts) == hold.gop_frames and fragments[0].sync[0]


def _repeated(fragment: Fragment, hold: Hold, rendition: Rendition, ws: Workspace[HlsSettings]) -> list[Gop]:
    """The same GOP again and again, at the times of the hold."""
    order = sorted(fragment.pts)
    places = [order.index(time) for time in fragment.pts]
    path = validate.encoded_path(ws, rendition)
    return [
        Gop([times[place] for place in places], end, fragment.sizes, path, fragment.data_at)
        for times, end in hold.gops()
    ]
