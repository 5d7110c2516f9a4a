"""From probe's artifact and the receipts so far to a plan (`plans`). Pure, so that it is the same at every start.

An `UnindexedPlan` becomes a `ChunkedPlan` when the copy to MP4 worked, and a `WholeFilePlan` when it did not. If a copy
of the source's own frames turns out not to be what the scan promised, the chunks are planned anew with one rendition
more, under other names. `parts.py` makes parts of a plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from vlogd.core.model import Receipt
from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages import artifacts, facts
from vlogd.stages.artifacts import Probed
from vlogd.stages.hls import frame_rate, passthrough, timeline
from vlogd.stages.hls.audio_tracks import AudioRendition, audio_renditions
from vlogd.stages.hls.facts import CopyFacts, EncodeFacts, RemuxFacts
from vlogd.stages.hls.ladder import HlsSettings, is_reduced, renditions
from vlogd.stages.hls.plans import (
    REMUX,
    REMUXED_PTS,
    WHOLE,
    WHOLE_LONG,
    AudioOnlyPlan,
    ChunkedPlan,
    Plan,
    UnindexedPlan,
    WholeFilePlan,
)
from vlogd.stages.hls.timeline import Timeline

_TIME_BYTES = 8
"""The length of a frame's time in `video.pts`."""


def read(probe_folder: Path, step_folder: Path, receipts: Mapping[str, Receipt], config: HlsSettings) -> Plan:
    """The plan, as far as it can be known from what is done."""
    probed = artifacts.read_probed(probe_folder)
    media, video = probed.media, _with_rate(probed)
    audio = audio_renditions(media, config)
    if video is None:
        boundaries = timeline.even_boundaries(media.duration_seconds, config)
        return AudioOnlyPlan(media=media, config=config, audio=audio, boundaries=boundaries)
    unindexed = UnindexedPlan(
        media=media,
        config=config,
        video=video,
        audio=audio,
        renditions=renditions(video.shown_size(), config, hdr=video.hdr),
        audio_seconds=probed.audio_seconds,
        last_frame_seconds=probed.last_frame_seconds,
    )
    if not probed.times_are_known or probed.pts_path is None:
        return _whole_file(unindexed, receipts, remux_failed=False)
    if not probed.remux_first:
        return _without_similar(_indexed(unindexed, probed, probed.pts_path, receipts), receipts)
    if REMUX not in receipts:
        return unindexed
    remux = facts.of_part(receipts, REMUX, RemuxFacts)
    if not remux.copied:
        return _whole_file(unindexed, receipts, remux_failed=True)
    times = _FrameTimes(step_folder / REMUXED_PTS, Fraction(remux.time_base), Fraction(remux.zero_seconds))
    return _without_similar(replace(_chunked(unindexed, times), remuxed=True), receipts)


def _with_rate(probed: Probed) -> VideoStream | None:
    """The video with the frame rate that its frames have."""
    video = probed.media.video
    if video is None or probed.pts_path is None:
        return video
    rate = frame_rate.read(probed.pts_path, Fraction(video.time_base), Fraction(video.frame_rate))
    return replace(video, frame_rate=f"{rate.numerator}/{rate.denominator}")


@dataclass(frozen=True)
class _FrameTimes:
    """The file with the frames' times, the duration of one of its ticks in seconds, and the time that is zero."""

    path: Path
    time_base: Fraction
    zero_seconds: Fraction


def _whole_file(plan: UnindexedPlan, receipts: Mapping[str, Receipt], *, remux_failed: bool) -> WholeFilePlan:
    part = WHOLE_LONG if plan.least_end else WHOLE
    boundaries = facts.of_part(receipts, part, EncodeFacts).borders if part in receipts else ()
    longer = replace(plan, audio=_renamed(plan.audio, "long")) if plan.least_end else plan
    return WholeFilePlan(
        **_fields(longer),
        part=part,
        why_no_copy="The source is re-encoded: the file doesn't say when its frames are presented.",
        encoded_boundaries=boundaries,
        remux_failed=remux_failed,
    )


def _chunked(plan: UnindexedPlan, times: _FrameTimes, keys: timeline.Keys = ()) -> ChunkedPlan:
    rate = Fraction(plan.video.frame_rate)
    cut = timeline.read(
        times.path, times.time_base, times.zero_seconds, rate, plan.config, keys, plan.least_end
    )
    chunks = tuple(timeline.chunks(len(cut.cuts), plan.config, cut.first_segment))
    recut = _recut(plan, cut)
    source_frames = times.path.stat().st_size // _TIME_BYTES
    planned = ChunkedPlan(
        **_fields(plan), timeline=cut, chunks=chunks, recut=recut, source_frames=source_frames
    )
    if not recut and not cut.after:
        return planned
    return replace(planned, audio=_renamed(plan.audio, recut or "long"))


def _renamed(audio: tuple[AudioRendition, ...], kind: str) -> tuple[AudioRendition, ...]:
    """With other names of their parts: earlier versions cut them otherwise."""
    return tuple(replace(rendition, part=f"{rendition.part}-{kind}") for rendition in audio)


def _recut(plan: UnindexedPlan, cut: Timeline) -> str:
    """In which way segments are others than those that earlier versions made of the same file; "" when they aren't."""
    if cut.before:
        return "late"
    if cut.is_stretched:
        return "long"
    listed, rate = (Fraction(video.frame_rate) for video in (plan.media.video or plan.video, plan.video))
    dropped_as_many = timeline.keep_every(listed, plan.config.max_frame_rate) == cut.keep_every
    copied_as_well = passthrough.is_too_fast(listed, plan.config) == passthrough.is_too_fast(
        rate, plan.config
    )
    return "" if dropped_as_many and copied_as_well else "rate"


def _indexed(
    plan: UnindexedPlan, probed: Probed, pts_path: Path, receipts: Mapping[str, Receipt]
) -> ChunkedPlan:
    """The chunks of an indexed file, with the source's own frames on top where they may be published."""
    zero_seconds = Fraction(plan.media.start_seconds).limit_denominator(TICKS)
    times = _FrameTimes(pts_path, Fraction(plan.video.time_base), zero_seconds)
    keys = tuple(probed.keys())
    shift, ticks = OFFSET - round(zero_seconds * TICKS), times.time_base * TICKS
    source_keys = tuple(round(time * ticks) + shift for time, _ in keys)
    why = passthrough.why_not(plan.video, plan.config)
    if why is None and not keys:
        why = "The source is re-encoded: it is no plain MP4, or its key frames are not IDR pictures of closed GOPs."
    if why is None:
        cut_at_keys = replace(_chunked(plan, times, keys), source_keys=source_keys)
        why = passthrough.why_not_cut(plan.video, plan.config, cut_at_keys.timeline)
        if why is None:
            return _with_copy(cut_at_keys, receipts)
    return replace(_chunked(plan, times), source_keys=source_keys, why_no_copy=why)


def _with_copy(plan: ChunkedPlan, receipts: Mapping[str, Receipt]) -> ChunkedPlan:
    """The copied frames take the place of the largest H.264 rendition, unless that is smaller, or they failed validation."""
    if plan.copy_part in receipts:
        copy = facts.of_part(receipts, plan.copy_part, CopyFacts)
        if not copy.copied:
            return replace(plan, copy_failed=True, why_no_copy=copy.why)
    rest = plan.renditions if is_reduced(plan.video.shown_size(), plan.config) else plan.renditions[1:]
    copied = passthrough.rendition(plan.video)
    return replace(plan, copied=copied, renditions=rest, chunks=plan.chunks if rest else ())


def _without_similar(plan: ChunkedPlan, receipts: Mapping[str, Receipt]) -> ChunkedPlan:
    """Without the renditions that the first chunk showed to be too similar to another."""
    first = plan.chunk_part(0)
    if first not in receipts:
        return plan
    similar = facts.of_part(receipts, first, EncodeFacts).similar
    return replace(plan, renditions=tuple(size for size in plan.renditions if size.name not in similar))


def _fields(plan: UnindexedPlan) -> dict[str, Any]:
    """What every plan of the same video has."""
    return {
        "media": plan.media,
        "config": plan.config,
        "video": plan.video,
        "audio": plan.audio,
        "renditions": plan.renditions,
        "audio_seconds": plan.audio_seconds,
        "last_frame_seconds": plan.last_frame_seconds,
    }
