"""From probe's facts to the parts of the step: pure, and the same at every start.

| part          | what                                                                              |
|---------------|-----------------------------------------------------------------------------------|
| `remux`       | un-indexed containers (TS, PS): copied to MP4 and scanned again, before all else  |
| `video-0000`… | one chunk of all renditions                                                       |
| `video-whole` | instead of chunks where the file does not say when its pictures are shown         |
| `audio-0`     | the sound as stereo AAC, cut where the pictures are cut                           |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vlogd import scan
from vlogd.media import AudioStream, Media
from vlogd.model import Part, Receipt
from vlogd.stages.hls import timeline
from vlogd.stages.hls.ladder import HlsSettings, Rendition, renditions
from vlogd.stages.hls.timeline import OFFSET, TICKS, Chunk, Timeline

REMUX = "remux"
WHOLE = "video-whole"
AUDIO = "audio-0"
AUDIO_FOLDER = "a0"
REMUXED_PTS = "remux.pts"


@dataclass(frozen=True)
class Plan:
    """What is to be made.

    `borders`: where segments begin and the last one ends (published ticks); empty until it is
    known. `timeline` is None for sound alone and for a whole-file encode.
    """

    media: Media
    config: HlsSettings
    renditions: tuple[Rendition, ...]
    audio: AudioStream | None
    timeline: Timeline | None
    chunks: tuple[Chunk, ...]
    borders: tuple[int, ...]
    remux_first: bool

    @property
    def frame_rate(self) -> Fraction:
        """Pictures a second, on average."""
        assert self.media.video is not None  # noqa: S101 - asked for pictures only
        return Fraction(self.media.video.frame_rate) / (self.timeline.keep_every if self.timeline else 1)


def read(probe_folder: Path, step_folder: Path, receipts: Mapping[str, Receipt], config: HlsSettings) -> Plan:
    """The plan, as far as it can be known from what is done."""
    probed = scan.read(probe_folder)
    facts = probed.media
    audio = chosen_audio(facts)
    if facts.video is None:
        borders = _even_borders(facts.duration_seconds, config)
        return Plan(facts, config, (), audio, None, (), borders, remux_first=False)
    sizes = renditions(facts.video.shown_size(), config)
    plan = Plan(facts, config, sizes, audio, None, (), (), probed.remux_first)
    if not probed.times_are_known or probed.pts_path is None:
        return _whole(_with(plan, remux_first=False), receipts)
    if probed.remux_first:
        if REMUX not in receipts:
            return plan
        if not receipts[REMUX].facts["copied"]:
            return _whole(plan, receipts)
        return _chunked(plan, step_folder / REMUXED_PTS, receipts[REMUX].facts)
    scanned = {
        "time_base": facts.video.time_base,
        "zero_seconds": str(Fraction(facts.start_seconds).limit_denominator(TICKS)),
    }
    return _chunked(plan, probed.pts_path, scanned)


def parts(plan: Plan, receipts: Mapping[str, Receipt]) -> tuple[Part, ...]:
    """The parts that are known so far."""
    if plan.remux_first and REMUX not in receipts:
        return (Part(REMUX, alone=True, weight=1.0),)
    before = (Part(REMUX),) if plan.remux_first else ()
    seconds = max(1.0, plan.media.duration_seconds)
    if plan.timeline is not None:
        pictures = tuple(_chunk_part(chunk, plan) for chunk in plan.chunks)
    elif plan.renditions:
        pictures = (Part(WHOLE, weight=seconds),)
    else:
        pictures = ()
    sound = (Part(AUDIO, weight=seconds / 20),) if plan.audio and plan.borders else ()
    return (*before, *pictures, *sound)


def chosen_audio(facts: Media) -> AudioStream | None:
    """The track that plays: the default one, else the first that can be decoded."""
    usable = [track for track in facts.audio if track.codec and track.channels]
    return next((track for track in usable if track.default), usable[0] if usable else None)


def _chunk_part(chunk: Chunk, plan: Plan) -> Part:
    seconds = (plan.borders[chunk.last] - plan.borders[chunk.first]) / TICKS
    return Part(
        f"video-{chunk.number:04d}",
        order=chunk.number,
        weight=seconds,
        alone=chunk.number == 0,
        data={"chunk": chunk.number},
    )


def _chunked(plan: Plan, pts_path: Path, facts: Mapping[str, Any]) -> Plan:
    assert plan.media.video is not None  # noqa: S101 - only a picture is cut into chunks
    times = timeline.read(
        pts_path,
        Fraction(facts["time_base"]),
        Fraction(facts["zero_seconds"]),
        Fraction(plan.media.video.frame_rate),
        plan.config,
    )
    chunks = tuple(timeline.chunks(len(times.cuts), plan.config))
    return _with(plan, timeline=times, chunks=chunks, borders=tuple(times.borders))


def _whole(plan: Plan, receipts: Mapping[str, Receipt]) -> Plan:
    known = tuple(receipts[WHOLE].facts["borders"]) if WHOLE in receipts else ()
    return _with(plan, borders=known)


def _with(plan: Plan, **changed: Any) -> Plan:
    return Plan(**{**plan.__dict__, **changed})


def _even_borders(seconds: float, config: HlsSettings) -> tuple[int, ...]:
    """Cuts for sound alone; a file that does not know its length is taken as one second long."""
    length = round(max(seconds, 1.0) * TICKS)
    step = config.segment_seconds * TICKS
    starts = [*range(0, max(1, length - TICKS // 2), step)]
    return tuple(OFFSET + at for at in (*starts, length))
