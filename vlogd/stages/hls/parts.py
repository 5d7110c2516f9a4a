"""From a plan to its parts.

| part          | what                                                                                            |
|---------------|-------------------------------------------------------------------------------------------------|
| `remux`       | containers without an index: copied to MP4 and scanned again, before anything else              |
| `copy`        | the source's own frames as the top rendition, where `passthrough` allows it                     |
| `video-0000`… | one chunk of all renditions; `full-0000`… when a copy failed                                    |
| `video-whole` | instead of chunks where the file doesn't say when its frames are presented                      |
| `held-after`  | the last picture, while sound goes on; `held-before`: the first one, while there is only sound   |
| `audio-0`…    | one audio rendition, cut where the video is cut                                                 |
"""

from collections.abc import Sequence

from vlogd.core.model import Part
from vlogd.media import bounds, memory
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls.audio_tracks import AudioRendition
from vlogd.stages.hls.ladder import Rendition
from vlogd.stages.hls.plans import (
    HELD_AFTER,
    HELD_BEFORE,
    REMUX,
    AudioOnlyPlan,
    ChunkedPlan,
    Plan,
    StreamPlan,
    UnindexedPlan,
    WholeFilePlan,
)
from vlogd.stages.hls.timeline import Chunk

_COPY_SPEED = 100
"""How many seconds are copied in the time that one second takes to encode; for progress bars, so roughly."""

_AUDIO_SPEED = 20
"""The same for audio that is encoded."""

_OVER_CAP = 1.2
"""A chunk may exceed its renditions' caps by what their rate control buffers hold: two seconds of a chunk of twelve."""

_LARGEST_FRAME_SECONDS = 2
"""No frame takes more than the rate control's buffer, two seconds of the cap, however long it is shown."""

_BYTES_PER_KILOBIT = 125


def parts(plan: Plan) -> tuple[Part, ...]:
    """The parts that are known so far, in order."""
    if isinstance(plan, UnindexedPlan):
        return (Part(REMUX, state_bytes=plan.media.size_bytes),)
    seconds = _seconds(plan)
    audio = tuple(_audio_part(rendition, seconds) for rendition in plan.audio if plan.boundaries)
    if isinstance(plan, AudioOnlyPlan):
        return audio
    if isinstance(plan, ChunkedPlan):
        remux = (Part(REMUX),) if plan.remuxed else ()
        chunks = tuple(_chunk_part(chunk, plan) for chunk in plan.chunks)
        before, after = _held_parts(HELD_BEFORE, 0, plan), _held_parts(HELD_AFTER, len(chunks), plan)
        return (*remux, *_copy_part(plan, seconds), *before, *chunks, *after, *audio)
    remux = (Part(REMUX),) if plan.remux_failed else ()
    return (*remux, _whole_part(plan, seconds), *audio)


def _seconds(plan: StreamPlan) -> float:
    """How long the stream is: by what was scanned, and only while that is not known by what the file says."""
    if plan.boundaries:
        return max(1.0, (plan.boundaries[-1] - plan.boundaries[0]) / TICKS)
    return min(max(1.0, plan.media.duration_seconds), bounds.MOST_HOURS * 3600)


def _whole_part(plan: WholeFilePlan, seconds: float) -> Part:
    size = _encoded_bytes(plan.renditions, seconds)
    return Part(
        plan.part,
        weight=seconds,
        library_bytes=size,
        state_bytes=size,
        memory_bytes=_encode_memory_bytes(plan),
    )


def _copy_part(plan: ChunkedPlan, seconds: float) -> tuple[Part, ...]:
    if plan.copied is None and not plan.copy_failed:
        return ()
    size = sum(plan.timeline.source_bytes)
    return (Part(plan.copy_part, weight=seconds / _COPY_SPEED, library_bytes=size, state_bytes=size),)


def _held_parts(name: str, order: int, plan: ChunkedPlan) -> tuple[Part, ...]:
    hold = plan.held(name)
    if hold is None:
        return ()
    seconds = (hold.boundaries[-1] - hold.boundaries[0]) / TICKS
    size = _encoded_bytes(plan.renditions, seconds)
    return (
        Part(
            name,
            order=order,
            library_bytes=size,
            state_bytes=round(size / seconds),
            memory_bytes=_encode_memory_bytes(plan),
        ),
    )


def _encode_memory_bytes(plan: ChunkedPlan | WholeFilePlan) -> int:
    """What the ffmpeg takes that decodes the source once and encodes all renditions."""
    sdr = [rendition for rendition in plan.renditions if not rendition.hdr]
    mapped = memory.tone_mapping(sdr[0].width, sdr[0].height) if plan.video.hdr and sdr else 0
    encoded = sum(
        memory.encoding(size.width, size.height, size.codec, plan.config.preset, ten_bit=size.hdr)
        for size in plan.renditions
    )
    return memory.decoding(plan.video) + mapped + encoded


def _encoded_bytes(renditions: Sequence[Rendition], seconds: float) -> int:
    """At most what all encoded renditions take, by their caps."""
    return round(sum(size.max_kbps for size in renditions) * _BYTES_PER_KILOBIT * seconds * _OVER_CAP)


def _audio_part(rendition: AudioRendition, seconds: float) -> Part:
    size = round(rendition.kbps * _BYTES_PER_KILOBIT * seconds * _OVER_CAP)
    return Part(rendition.part, weight=seconds / _AUDIO_SPEED, library_bytes=size, state_bytes=size)


def _chunk_part(chunk: Chunk, plan: ChunkedPlan) -> Part:
    """A chunk's part. The first one runs alone: somebody waits for it, and it is short."""
    seconds = (plan.boundaries[chunk.last] - plan.boundaries[chunk.first]) / TICKS
    first, last = plan.timeline.frames(chunk)
    size = _encoded_bytes(plan.renditions, min(seconds, (last - first) * _LARGEST_FRAME_SECONDS))
    return Part(
        plan.chunk_part(chunk.number),
        order=chunk.number,
        weight=seconds,
        alone=chunk.number == 0,
        library_bytes=size,
        state_bytes=size,
        memory_bytes=_encode_memory_bytes(plan),
        data={"chunk": chunk.number},
    )
