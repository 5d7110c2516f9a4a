"""From probe's facts to the parts of the step: pure, and the same at every start.

| part          | what                                                                              |
|---------------|-----------------------------------------------------------------------------------|
| `remux`       | un-indexed containers (TS, PS): copied to MP4 and scanned again, before all else  |
| `copy`        | the source's own pictures as the top rendition, where it is `standard`            |
| `video-0000`… | one chunk of all renditions                                                       |
| `video-whole` | instead of chunks where the file does not say when its pictures are shown         |
| `audio-0`…    | one sound track as AAC, cut where the pictures are cut                            |

If a copy turns out not to be what the scan promised, the chunks are planned anew with one rendition
more, and go by other names (`full-0000`…).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from vlogd.core.model import Part, Receipt
from vlogd.media.ffprobe import Media
from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages import artifacts, facts
from vlogd.stages.artifacts import Probed
from vlogd.stages.hls import passthrough, timeline
from vlogd.stages.hls.audio_tracks import Sound, sounds
from vlogd.stages.hls.facts import CopyFacts, EncodeFacts, RemuxFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition, renditions
from vlogd.stages.hls.timeline import Chunk, Timeline

REMUX = "remux"
COPY = "copy"
WHOLE = "video-whole"
REMUXED_PTS = "remux.pts"

_COPY_SPEED = 100
"""How much less work a copied second is than an encoded one, for progress bars."""
_SOUND_SPEED = 20
_OVER_CAP = 1.2
"""A chunk may exceed its renditions' caps by what their buffers hold."""


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    `renditions` are encoded, `copied` is the source's own. `borders`: where segments begin and the last
    one ends (published ticks); empty until it is known. `timeline` is None for sound alone and for a
    whole-file encode. `why_no_copy` is for people. `source_keys`: when the
    source's key frames are shown (published ticks), where they are known to begin closed GOPs.
    `sound_seconds`: how long the sound lasts where that is notably longer than the pictures do.
    """

    media: Media
    config: HlsSettings
    renditions: tuple[Rendition, ...]
    sounds: tuple[Sound, ...]
    copied: Rendition | None = None
    why_no_copy: str | None = None
    copy_failed: bool = False
    timeline: Timeline | None = None
    chunks: tuple[Chunk, ...] = ()
    borders: tuple[int, ...] = ()
    remux_first: bool = False
    source_keys: tuple[int, ...] = ()
    sound_seconds: float | None = None

    @property
    def frame_rate(self) -> Fraction:
        """Pictures a second, on average."""
        assert self.media.video is not None  # noqa: S101 - asked for pictures only
        return Fraction(self.media.video.frame_rate) / (self.timeline.keep_every if self.timeline else 1)

    @property
    def pictures(self) -> tuple[Rendition, ...]:
        """All renditions, the copied one first."""
        return (*((self.copied,) if self.copied else ()), *self.renditions)

    @property
    def extension(self) -> str:
        """Of media segments."""
        return "ts" if self.config.segment_format == "ts" else "m4s"

    def chunk_part(self, number: int) -> str:
        """The name of a chunk's part."""
        return f"{'full' if self.copy_failed else 'video'}-{number:04d}"


def read(probe_folder: Path, step_folder: Path, receipts: Mapping[str, Receipt], config: HlsSettings) -> Plan:
    """The plan, as far as it can be known from what is done."""
    probed = artifacts.read_probed(probe_folder)
    media = probed.media
    tracks = sounds(media, config)
    if media.video is None:
        return Plan(media, config, (), tracks, borders=_even_borders(media.duration_seconds, config))
    sizes = renditions(media.video.shown_size(), config, hdr=media.video.hdr)
    plan = Plan(
        media, config, sizes, tracks, remux_first=probed.remux_first, sound_seconds=probed.sound_seconds
    )
    if not probed.times_are_known or probed.pts_path is None:
        return _whole(replace(plan, remux_first=False), receipts)
    if probed.remux_first:
        if REMUX not in receipts:
            return plan
        remux = facts.of_part(receipts, REMUX, RemuxFacts)
        if not remux.copied:
            return _whole(plan, receipts)
        return _similar_left_out(
            _chunked(plan, step_folder / REMUXED_PTS, remux.time_base, remux.zero_seconds), receipts
        )
    return _similar_left_out(_with_copy(plan, probed, receipts), receipts)


def parts(plan: Plan, receipts: Mapping[str, Receipt]) -> tuple[Part, ...]:
    """The parts that are known so far."""
    if plan.remux_first and REMUX not in receipts:
        return (Part(REMUX, weight=1.0, state_bytes=plan.media.size_bytes),)
    before = (Part(REMUX),) if plan.remux_first else ()
    seconds = max(1.0, plan.media.duration_seconds)
    if plan.copied or plan.copy_failed:
        size = sum(plan.timeline.source_bytes) if plan.timeline else 0
        before = (*before, Part(COPY, weight=seconds / _COPY_SPEED, library_bytes=size, state_bytes=size))
    if plan.timeline is not None:
        pictures = tuple(_chunk_part(chunk, plan) for chunk in plan.chunks)
    elif plan.renditions:
        size = _encoded_bytes(plan, seconds)
        pictures = (Part(WHOLE, weight=seconds, library_bytes=size, state_bytes=size),)
    else:
        pictures = ()
    voices = tuple(_sound_part(one, seconds) for one in plan.sounds if plan.borders)
    return (*before, *pictures, *voices)


def _encoded_bytes(plan: Plan, seconds: float) -> int:
    """At most what all encoded renditions take, by their caps."""
    return round(sum(one.max_kbps for one in plan.renditions) * 125 * seconds * _OVER_CAP)


def _sound_part(one: Sound, seconds: float) -> Part:
    size = round(one.kbps * 125 * seconds * _OVER_CAP)
    return Part(one.part, weight=seconds / _SOUND_SPEED, library_bytes=size, state_bytes=size)


def _chunk_part(chunk: Chunk, plan: Plan) -> Part:
    seconds = (plan.borders[chunk.last] - plan.borders[chunk.first]) / TICKS
    size = _encoded_bytes(plan, seconds)
    return Part(
        plan.chunk_part(chunk.number),
        order=chunk.number,
        weight=seconds,
        alone=chunk.number == 0,
        library_bytes=size,
        state_bytes=size,
        data={"chunk": chunk.number},
    )


def _with_copy(plan: Plan, probed: Probed, receipts: Mapping[str, Receipt]) -> Plan:
    """The chunked plan, with the source's own pictures on top where they are standard."""
    video = plan.media.video
    assert video is not None and probed.pts_path is not None  # noqa: S101, PT018 - asked for pictures only
    zero_seconds = str(Fraction(plan.media.start_seconds).limit_denominator(TICKS))
    keys = tuple(probed.keys())
    zero = round(Fraction(zero_seconds) * TICKS)
    ticks = Fraction(video.time_base) * TICKS
    plan = replace(plan, source_keys=tuple(round(time * ticks) - zero + OFFSET for time, _ in keys))
    why = passthrough.why_not(video, plan.config)
    if why is None and not keys:
        why = "The source is encoded anew: it is no plain MP4, or its key frames are not IDR pictures of closed GOPs."
    if why is None:
        cut = _chunked(plan, probed.pts_path, video.time_base, zero_seconds, keys)
        assert cut.timeline is not None  # noqa: S101 - just made
        why = passthrough.why_not_cut(video, plan.config, cut.timeline)
        if why is None:
            return _copied(cut, receipts)
    return replace(_chunked(plan, probed.pts_path, video.time_base, zero_seconds), why_no_copy=why)


def _copied(plan: Plan, receipts: Mapping[str, Receipt]) -> Plan:
    """The copy takes the place of the largest H.264 rendition, unless it failed its gate."""
    video = plan.media.video
    assert video is not None  # noqa: S101 - only pictures are copied
    copy = facts.of_part(receipts, COPY, CopyFacts) if COPY in receipts else None
    if copy is not None and not copy.copied:
        return replace(plan, copy_failed=True, why_no_copy=copy.why)
    rest = plan.renditions[1:]
    return replace(
        plan, copied=passthrough.rendition(video), renditions=rest, chunks=plan.chunks if rest else ()
    )


def _similar_left_out(plan: Plan, receipts: Mapping[str, Receipt]) -> Plan:
    """Without the renditions that the first chunk found not worth making."""
    name = plan.chunk_part(0)
    dropped = facts.of_part(receipts, name, EncodeFacts).similar if name in receipts else ()
    return replace(plan, renditions=tuple(one for one in plan.renditions if one.name not in dropped))


def _chunked(plan: Plan, pts_path: Path, time_base: str, zero_seconds: str, keys: timeline.Keys = ()) -> Plan:
    assert plan.media.video is not None  # noqa: S101 - only a picture is cut into chunks
    times = timeline.read(
        pts_path,
        Fraction(time_base),
        Fraction(zero_seconds),
        Fraction(plan.media.video.frame_rate),
        plan.config,
        keys,
    )
    chunks = tuple(timeline.chunks(len(times.cuts), plan.config))
    return replace(plan, timeline=times, chunks=chunks, borders=tuple(times.borders))


def _whole(plan: Plan, receipts: Mapping[str, Receipt]) -> Plan:
    known: Sequence[int] = facts.of_part(receipts, WHOLE, EncodeFacts).borders if WHOLE in receipts else ()
    why = "The source is encoded anew: the file does not say when its pictures are shown."
    return replace(plan, borders=tuple(known), why_no_copy=why)


def _even_borders(seconds: float, config: HlsSettings) -> tuple[int, ...]:
    """Cuts for sound alone; one of which not even the packets tell a length is taken as one second long."""
    length = round(max(seconds, 1.0) * TICKS)
    step = config.segment_seconds * TICKS
    starts = [*range(0, max(1, length - TICKS // 2), step)]
    return tuple(OFFSET + at for at in (*starts, length))
