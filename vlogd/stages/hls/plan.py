"""From probe's artifact and the receipts so far to a plan. Pure, so that it is the same at every start.

| plan            | for                                                                                        |
|-----------------|--------------------------------------------------------------------------------------------|
| `ChunkedPlan`   | video whose frame times are known: cut into chunks, perhaps with the source's frames on top |
| `UnindexedPlan` | a container without an index (TS, PS): it has to be copied to MP4 before more can be planned |
| `WholeFilePlan` | video whose frame times are not known: encoded in one go                                   |
| `AudioOnlyPlan` | no video at all                                                                            |

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
from vlogd.media.ffprobe import Media, VideoStream
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages import artifacts, facts
from vlogd.stages.artifacts import Probed
from vlogd.stages.hls import passthrough, timeline
from vlogd.stages.hls.audio_tracks import AudioRendition, audio_renditions
from vlogd.stages.hls.facts import CopyFacts, EncodeFacts, RemuxFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition, renditions
from vlogd.stages.hls.timeline import Chunk, Timeline

REMUX = "remux"
COPY = "copy"
WHOLE = "video-whole"

REMUXED_PTS = "remux.pts"
"""Delivered by the part `remux`: the frame times of the copy, like `video.pts` of probe."""


@dataclass(frozen=True, kw_only=True)
class AudioOnlyPlan:
    """Audio renditions, cut evenly. `boundaries`: when segments begin and the last one ends, in published ticks."""

    media: Media
    config: HlsSettings
    audio: tuple[AudioRendition, ...]
    boundaries: tuple[int, ...]

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The video renditions: none."""
        return ()

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The names of the parts that encode video: none."""
        return ()


@dataclass(frozen=True, kw_only=True)
class _VideoPlan:
    """What all plans of a video have.

    `renditions` are those that are encoded. `why_no_copy` is a sentence for people, "" when the source's frames are
    copied or that is not known yet. `audio_seconds`: the audio's duration where it is notably longer than the
    video's.
    """

    media: Media
    config: HlsSettings
    video: VideoStream
    audio: tuple[AudioRendition, ...]
    renditions: tuple[Rendition, ...]
    why_no_copy: str = ""
    audio_seconds: float | None = None

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The video renditions that viewers get, the largest H.264 one first."""
        return self.renditions

    @property
    def boundaries(self) -> tuple[int, ...]:
        """When segments begin and the last one ends, in published ticks; empty while that is not known."""
        return ()

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The names of the parts that encode video, in the order of the stream."""
        return ()


@dataclass(frozen=True, kw_only=True)
class UnindexedPlan(_VideoPlan):
    """Nothing is known before the file has been copied to MP4."""


@dataclass(frozen=True, kw_only=True)
class WholeFilePlan(_VideoPlan):
    """One encode from the first frame to the last, which determines the segment boundaries.

    `remux_failed`: the file has no index, and a copy to MP4 did not give it one.
    """

    encoded_boundaries: tuple[int, ...] = ()
    remux_failed: bool = False

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Those of the encode; none before it is done."""
        return self.encoded_boundaries

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """The only part."""
        return (WHOLE,)

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second, on average."""
        return Fraction(self.video.frame_rate)


@dataclass(frozen=True, kw_only=True)
class ChunkedPlan(_VideoPlan):
    """Chunks of segments with exact frame times.

    `copied`: the source's own frames as a rendition. `copy_failed`: they were planned as one, but differed from the
    scan. `source_keys`: the times of the source's key frames (published ticks), where these are known to begin
    closed GOPs. `remuxed`: chunks are read from a copy in MP4.
    """

    timeline: Timeline
    chunks: tuple[Chunk, ...]
    source_keys: tuple[int, ...] = ()
    copied: Rendition | None = None
    copy_failed: bool = False
    remuxed: bool = False

    @property
    def published(self) -> tuple[Rendition, ...]:
        """The copied frames first."""
        return self.renditions if self.copied is None else (self.copied, *self.renditions)

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Those of the timeline."""
        return self.timeline.boundaries

    @property
    def encode_parts(self) -> tuple[str, ...]:
        """One for each chunk."""
        return tuple(self.chunk_part(chunk.number) for chunk in self.chunks)

    @property
    def frame_rate(self) -> Fraction:
        """Published frames a second, on average."""
        return Fraction(self.video.frame_rate) / self.timeline.keep_every

    def chunk_part(self, number: int) -> str:
        """The name of a chunk's part. After a failed copy the chunks have a rendition more, so they are others."""
        return f"{'full' if self.copy_failed else 'video'}-{number:04d}"


VideoPlan = UnindexedPlan | WholeFilePlan | ChunkedPlan
StreamPlan = AudioOnlyPlan | WholeFilePlan | ChunkedPlan
"""A plan that says how the stream is made."""

Plan = StreamPlan | UnindexedPlan


def extension(config: HlsSettings) -> str:
    """The file name extension of media segments."""
    return "ts" if config.segment_format == "ts" else "m4s"


def read(probe_folder: Path, step_folder: Path, receipts: Mapping[str, Receipt], config: HlsSettings) -> Plan:
    """The plan, as far as it can be known from what is done."""
    probed = artifacts.read_probed(probe_folder)
    media, video = probed.media, probed.media.video
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


@dataclass(frozen=True)
class _FrameTimes:
    """The file with the frames' times, the duration of one of its ticks in seconds, and the time that is zero."""

    path: Path
    time_base: Fraction
    zero_seconds: Fraction


def _whole_file(plan: UnindexedPlan, receipts: Mapping[str, Receipt], *, remux_failed: bool) -> WholeFilePlan:
    boundaries = facts.of_part(receipts, WHOLE, EncodeFacts).borders if WHOLE in receipts else ()
    return WholeFilePlan(
        **_fields(plan),
        why_no_copy="The source is re-encoded: the file doesn't say when its frames are presented.",
        encoded_boundaries=boundaries,
        remux_failed=remux_failed,
    )


def _chunked(plan: UnindexedPlan, times: _FrameTimes, keys: timeline.Keys = ()) -> ChunkedPlan:
    frame_rate = Fraction(plan.video.frame_rate)
    cut = timeline.read(times.path, times.time_base, times.zero_seconds, frame_rate, plan.config, keys)
    chunks = tuple(timeline.chunks(len(cut.cuts), plan.config))
    return ChunkedPlan(**_fields(plan), timeline=cut, chunks=chunks)


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
    """The copied frames take the place of the largest H.264 rendition, unless they failed validation."""
    if COPY in receipts:
        copy = facts.of_part(receipts, COPY, CopyFacts)
        if not copy.copied:
            return replace(plan, copy_failed=True, why_no_copy=copy.why)
    rest = plan.renditions[1:]
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
    }
