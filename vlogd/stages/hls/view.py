"""What viewers may see of the stream: its tracks, as far as their segments are complete.

While the step grows, the media playlists list only the run of segments that is complete in every published track, so
that no track runs ahead of another (Apple 8.6). Where the source's own frames are published, they and the audio come
first, alone: they are there long before the other renditions.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import pairwise

from vlogd.core import files
from vlogd.core.model import Json, View
from vlogd.media.streaming import codecs, hls_writer, tracks
from vlogd.media.streaming.tracks import IFRAMES, INIT, MEDIA, STREAM, TICKS, Rate, Track
from vlogd.stages.contract import Work
from vlogd.stages.hls import notes
from vlogd.stages.hls.audio_encode import FRAME_SAMPLES, SAMPLE_RATE, first_frames
from vlogd.stages.hls.audio_tracks import AudioRendition
from vlogd.stages.hls.facts import CopyFacts, DamageFacts, EncodeFacts, KeyFrameSpans
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plans import (
    AudioOnlyPlan,
    ChunkedPlan,
    Plan,
    StreamPlan,
    UnindexedPlan,
    WholeFilePlan,
    extension,
)

MASTER = "master.m3u8"

_HEADROOM = 1.1
"""Until everything is measured, BANDWIDTH is the cap and a tenth: what a measured rate may differ by (Apple 1.27)."""

_AAC_LC = "mp4a.40.2"
"""RFC 6381: MPEG-4 audio (0x40), object type 2."""

_VIDEO_RANGES = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
"""ffprobe's name of a transfer function and its VIDEO-RANGE (RFC 8216bis, 4.4.6.2)."""

_NOT_PLAYABLE = View(facts={"playable": False})


def view(plan: Plan, work: Work[HlsSettings], have: Set[str]) -> View:
    """Playlists, the stable master playlist and keys of `video.json`. Nothing before a first segment is complete."""
    if isinstance(plan, UnindexedPlan) or not plan.boundaries:
        return _NOT_PLAYABLE
    damage = _damage(plan, work)
    empty = _empty_segments(damage)
    all_tracks = _tracks(plan)
    published = all_tracks if work.complete else _leading(all_tracks, plan)
    count = _complete_segments(published, have, empty)
    if not count:
        return _NOT_PLAYABLE
    described = [_described(track, plan, work, damaged=_is_damaged(damage)) for track in published]
    below = f"{work.folder.name}/"
    return View(
        files=_playlists(described, work, count, empty, hls_writer.target_seconds(all_tracks)),
        names={MASTER: hls_writer.master_playlist([track.below(below) for track in described])},
        facts=_facts(plan, notes.notes(plan, work, empty, count, damaged=_is_damaged(damage))),
    )


def _playlists(
    published: Sequence[Track], work: Work[HlsSettings], count: int, empty: Set[int], target: int
) -> dict[str, bytes]:
    """The derived files of the step's folder; `count` segments are listed. `target`: the target duration of all tracks."""
    complete = work.complete or count == len(published[0].durations)
    written = {
        f"{track.folder}/{MEDIA}": hls_writer.media_playlist(
            track,
            count,
            target=target,
            complete=complete,
            empty=empty if track.kind == "video" else frozenset(),
        )
        for track in published
    }
    written[MASTER] = hls_writer.master_playlist(published)
    if work.complete:
        with_key_frames = [track for track in published if any(track.iframes)]
        written |= {
            f"{track.folder}/{IFRAMES}": hls_writer.iframe_playlist(track) for track in with_key_frames
        }
        written[STREAM] = files.json_bytes(tracks.to_json(published))
    return written


def _facts(plan: StreamPlan, sentences: list[str]) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "playable": True,
        "stream": MASTER,
        "renditions": [
            {
                "name": rendition.name,
                "width": rendition.width,
                "height": rendition.height,
                "codec": rendition.codec,
            }
            for rendition in plan.published
        ],
        "audio": [
            {"language": rendition.language, "name": rendition.name, "channels": rendition.channels}
            for rendition in plan.audio
        ],
        "notes": sentences,
    }
    if plan.published:
        facts["duration_seconds"] = round((plan.boundaries[-1] - plan.boundaries[0]) / TICKS, 3)
    return facts


# Tracks


def _tracks(plan: StreamPlan) -> list[Track]:
    """The planned tracks, without what is only known from finished files."""
    audio_frames = first_frames(plan.boundaries)
    audio_durations = tuple((after - before) * FRAME_SAMPLES for before, after in pairwise(audio_frames))
    audio = [_audio_track(rendition, audio_durations, plan) for rendition in plan.audio]
    if isinstance(plan, AudioOnlyPlan):
        return audio
    durations = tuple(after - before for before, after in pairwise(plan.boundaries))
    return [*(_video_track(rendition, durations, plan) for rendition in plan.published), *audio]


def _leading(all_tracks: Sequence[Track], plan: StreamPlan) -> Sequence[Track]:
    """The tracks that are published while the step grows."""
    if not isinstance(plan, ChunkedPlan) or plan.copied is None:
        return all_tracks
    return [track for track in all_tracks if track.kind == "audio" or track.folder == plan.copied.name]


def _video_track(
    rendition: Rendition, durations: tuple[int, ...], plan: ChunkedPlan | WholeFilePlan
) -> Track:
    return Track(
        "video",
        rendition.name,
        TICKS,
        durations,
        extension=extension(plan.config),
        width=rendition.width,
        height=rendition.height,
        frame_rate=float(plan.frame_rate),
        video_range=_VIDEO_RANGES[plan.video.color_transfer] if rendition.hdr else "SDR",
        pictures=plan.timeline.frame_count if isinstance(plan, ChunkedPlan) else 0,
        thinned=_thinned(plan),
    )


def _thinned(plan: ChunkedPlan | WholeFilePlan) -> tuple[int, int] | None:
    """How many frames there were, and how many a second are published, where some are left out."""
    if not isinstance(plan, ChunkedPlan) or plan.timeline.keep_every == 1:
        return None
    return plan.source_frames, plan.config.max_frame_rate


def _audio_track(rendition: AudioRendition, durations: tuple[int, ...], plan: StreamPlan) -> Track:
    return Track(
        "audio",
        rendition.folder,
        SAMPLE_RATE,
        durations,
        extension=extension(plan.config),
        codec=_AAC_LC,
        group=rendition.group,
        language=rendition.language,
        name=rendition.name,
        default=rendition.default,
        channels=rendition.channels,
    )


def _described(track: Track, plan: StreamPlan, work: Work[HlsSettings], *, damaged: bool) -> Track:
    """With what is known of its files: codec, bit rate, key frames."""
    rate = _measured_rate(track, work) if work.complete else _expected_rate(track, plan)
    if track.kind == "audio" or isinstance(plan, AudioOnlyPlan):
        return replace(track, rate=rate)
    codec = codecs.codec((work.folder / track.folder / INIT).read_bytes()) if track.init else _ts_codec(plan)
    frames = 0 if damaged else track.pictures
    iframes = _iframes(track.folder, work, plan) if work.complete else ()
    return replace(track, rate=rate, codec=codec, pictures=frames, iframes=iframes)


def _ts_codec(plan: ChunkedPlan | WholeFilePlan) -> str:
    """Transport streams have no init segment: H.264 High at a level that fits all sizes (H.264, table A-1)."""
    tallest = max(min(rendition.width, rendition.height) for rendition in plan.published)
    fast = plan.frame_rate > 31  # noqa: PLR2004 - 30 frames a second and a rounding
    level = 52 if tallest > 1440 and fast else 51 if tallest > 1080 else 42 if fast else 40  # noqa: PLR2004 - table A-1
    return f"avc1.6400{level:02x}"


def _iframes(
    folder: str, work: Work[HlsSettings], plan: ChunkedPlan | WholeFilePlan
) -> tuple[KeyFrameSpans, ...]:
    """Where the key frames of one rendition are, segment by segment."""
    if isinstance(plan, ChunkedPlan) and plan.copied is not None and folder == plan.copied.name:
        return work.facts(plan.copy_part, CopyFacts).iframes[folder]
    encoded = [work.facts(part, EncodeFacts) for part in plan.encode_parts]
    return tuple(spans for facts in encoded for spans in facts.iframes.get(folder, ()))


def _measured_rate(track: Track, work: Work[HlsSettings]) -> Rate:
    sizes = {
        name: mark.size_bytes for receipt in work.receipts.values() for name, mark in receipt.files.items()
    }
    return tracks.measured(track, sizes)


def _expected_rate(track: Track, plan: StreamPlan) -> Rate:
    """What a track takes at most, as long as not all of it is there to be measured."""
    if isinstance(plan, ChunkedPlan) and plan.copied is not None and track.folder == plan.copied.name:
        rates = [
            size * 8 / track.seconds(number)
            for number, size in enumerate(plan.timeline.source_bytes)
            if track.durations[number]
        ]
        return Rate(round(max(rates) * _HEADROOM), round(sum(rates) / len(rates)))
    caps = {rendition.folder: rendition.kbps for rendition in plan.audio}
    caps |= {rendition.name: rendition.max_kbps for rendition in plan.published}
    kbps = caps[track.folder]
    return Rate(round(kbps * 1000 * _HEADROOM), kbps * 1000)


# Complete segments


def _complete_segments(published: Sequence[Track], have: Set[str], empty: Set[int]) -> int:
    """How many segments, from the first on, are complete in all tracks; `empty` ones count as complete."""
    if not published or any(track.init and f"{track.folder}/{track.init}" not in have for track in published):
        return 0
    count = len(published[0].durations)
    number = 0
    while number < count and all(_is_complete(track, number, have, empty) for track in published):
        number += 1
    while number and number - 1 in empty:
        number -= 1
    return number


def _is_complete(track: Track, number: int, have: Set[str], empty: Set[int]) -> bool:
    if track.kind == "video" and number in empty:
        return True
    return f"{track.folder}/{track.segment(number)}" in have


# Damage


def _damage(plan: StreamPlan, work: Work[HlsSettings]) -> list[DamageFacts]:
    """The missing frames and segments of the parts that are encoded."""
    return [work.facts(part, DamageFacts) for part in plan.encode_parts if part in work.receipts]


def _is_damaged(damage: Sequence[DamageFacts]) -> bool:
    return any(facts.empty is not None for facts in damage)


def _empty_segments(damage: Sequence[DamageFacts]) -> set[int]:
    return {number for facts in damage for number in facts.empty or ()}
