"""Encodes a file that doesn't say when its frames are presented: in one go, with the times that ffmpeg gives them."""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from vlogd.media import bounds, ffmpeg, refusals
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import filter_graph, validate
from vlogd.stages.hls.facts import EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plans import WholeFilePlan
from vlogd.stages.hls.timeline import Chunk
from vlogd.stages.hls.video_encode import pick_all, run_encoders
from vlogd.stages.workspace import Workspace

_EARLY_TICKS = TICKS // 2
"""A key frame may begin a segment when that is not more than half a second too short: a key frame is forced
at the first frame after its time, so it may be late."""

_LONGEST_STRETCH_TICKS = 12 * 3600 * TICKS
"""How much longer the last frame may be shown: the duration of a sample has 32 bits, 13 hours (ISO/IEC 14496-12, 8.8.8)."""

_DEFAULT_FRAME_TICKS = TICKS // 25


def run(plan: WholeFilePlan, ws: Workspace[HlsSettings]) -> EncodeFacts:
    """Encode and deliver all segments. Raises BadInput when nothing can be decoded.

    Always in software: a whole film has no second attempt with another encoder.
    """
    zero_ticks = round(plan.media.start_seconds * TICKS)
    filter_shift, muxer_shift = filter_graph.split_shift(zero_ticks, zero_ticks)
    stream = filter_graph.frames(ffmpeg.source(ws.film), plan.video, None, None, filter_shift, 1)
    length = max(1.0, plan.media.duration_seconds)
    encoders = pick_all("software", plan.renditions, ws.limits, ws.stop)
    key_frames = filter_graph.key_frames_every(plan.config.gop_seconds)
    run_encoders(
        plan,
        ws,
        stream,
        encoders,
        key_frames,
        shift=muxer_shift,
        limits=ws.limits,
        share=lambda reached: (reached - muxer_shift / TICKS) / length,
    )
    encoded = validate.read(ws, plan.renditions[0])
    boundaries = _boundaries(encoded, plan.config.segment_seconds, plan.least_end)
    everything = Chunk(0, 0, len(boundaries) - 1)
    gops = {
        rendition.name: validate.decodable_gops(rendition, everything, boundaries, ws)
        for rendition in plan.renditions
    }
    return replace(
        validate.deliver(plan.renditions, gops, everything, boundaries, ws),
        fallback="encoded in one go: the file does not say when its pictures are shown",
        borders=tuple(boundaries),
    )


def _boundaries(fragments: Sequence[Fragment], segment_seconds: int, least_end: int) -> list[int]:
    """Segment boundaries at the key frames, about `segment_seconds` apart, in published ticks.

    The last frame is presented until `least_end`, where sound goes on.
    """
    key_times = sorted(min(fragment.pts) for fragment in fragments if fragment.sync[0])
    if not key_times:
        raise refusals.NO_FRAME_DECODES.error()
    boundaries = [min(OFFSET, key_times[0])]
    for time in key_times[1:]:
        if time - boundaries[-1] >= segment_seconds * TICKS - _EARLY_TICKS:
            boundaries.append(time)
    times = sorted(time for fragment in fragments for time in fragment.pts)
    bounds.check_gaps(array("q", times), Fraction(1, TICKS), OFFSET / TICKS)
    last_duration = times[-1] - times[-2] if len(times) > 1 else _DEFAULT_FRAME_TICKS
    end = times[-1] + max(1, min(TICKS, last_duration))
    return [*boundaries, max(end, least_end) if least_end - end < _LONGEST_STRETCH_TICKS else end]
