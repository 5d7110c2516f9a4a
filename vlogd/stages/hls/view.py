"""What viewers may see of the stream: its tracks, as far as their segments are whole.

While the step grows, the media playlists name only the run of segments that is whole in every track that
is shown, so that none runs ahead [8.6]. Where the source's own pictures are published, they and the sound
are shown first, alone: they are there long before the other renditions.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import pairwise

from vlogd.core import files
from vlogd.core.model import Json, View
from vlogd.media.streaming import codecs, hls_writer, tracks
from vlogd.media.streaming.tracks import IFRAMES, INIT, MEDIA, OFFSET, STREAM, TICKS, Rate, Track
from vlogd.stages.contract import Work
from vlogd.stages.hls.audio_encode import FRAME_SAMPLES, RATE, first_frames
from vlogd.stages.hls.audio_tracks import Sound
from vlogd.stages.hls.facts import CopyFacts, EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plan import COPY, Plan

MASTER = "master.m3u8"
_HEADROOM = 1.1
"""Until everything is measured, BANDWIDTH is the cap and a tenth."""


def view(plan: Plan, work: Work[HlsSettings], have: Set[str]) -> View:
    """Playlists, the stable master playlist and facts. Nothing before a first segment is whole."""
    if not plan.borders:
        return View(facts={"playable": False})
    empty = {number for encoded in _encoded(work) for number in encoded.empty or ()}
    planned = _tracks(plan)
    leading = [
        one for one in planned if one.kind == "audio" or (plan.copied and one.folder == plan.copied.name)
    ]
    shown = planned if work.complete or not plan.copied else leading
    count = _whole_segments(shown, have, empty)
    if not count:
        return View(facts={"playable": False})
    described = [_described(track, plan, work) for track in shown]
    return _written(plan, work, described, count, empty)


def _written(
    plan: Plan, work: Work[HlsSettings], shown: Sequence[Track], count: int, empty: Set[int]
) -> View:
    whole = count == len(plan.borders) - 1
    written = {
        f"{track.folder}/{MEDIA}": hls_writer.media_playlist(
            track,
            count,
            complete=work.complete or whole,
            empty=empty if track.kind == "video" else frozenset(),
        )
        for track in shown
    }
    written[MASTER] = hls_writer.master_playlist(shown)
    if work.complete:
        written |= {f"{t.folder}/{IFRAMES}": hls_writer.iframe_playlist(t) for t in shown if any(t.iframes)}
        written[STREAM] = files.json_bytes(tracks.to_json(shown))
    below = f"{work.folder.name}/"
    names = {MASTER: hls_writer.master_playlist([track.below(below) for track in shown])}
    return View(files=written, names=names, facts=_facts(plan, work, count))


def _facts(plan: Plan, work: Work[HlsSettings], count: int) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "playable": True,
        "stream": MASTER,
        "renditions": [
            {"name": one.name, "width": one.width, "height": one.height, "codec": one.codec}
            for one in plan.pictures
        ],
        "audio": [
            {"language": one.language, "name": one.name, "channels": one.channels} for one in plan.sounds
        ],
        "notes": _notes(plan, work, count),
    }
    if plan.pictures:
        facts["duration_seconds"] = round((plan.borders[-1] - plan.borders[0]) / TICKS, 3)
    return facts


def _tracks(plan: Plan) -> list[Track]:
    """What is planned, without what only finished files can tell."""
    pictures = tuple(after - before for before, after in pairwise(plan.borders))
    frames = first_frames(plan.borders)
    sound = tuple((after - before) * FRAME_SAMPLES for before, after in pairwise(frames))
    return [
        *(_picture_track(one, plan, pictures) for one in plan.pictures),
        *(_sound_track(one, plan, sound) for one in plan.sounds),
    ]


def _picture_track(one: Rendition, plan: Plan, durations: tuple[int, ...]) -> Track:
    video = plan.media.video
    assert video is not None  # noqa: S101 - a rendition is of pictures
    return Track(
        "video",
        one.name,
        TICKS,
        durations,
        extension=plan.extension,
        width=one.width,
        height=one.height,
        frame_rate=float(plan.frame_rate),
        video_range={"smpte2084": "PQ", "arib-std-b67": "HLG"}[video.color_transfer] if one.hdr else "SDR",
        pictures=len(plan.timeline.pts) if plan.timeline else 0,
    )


def _sound_track(one: Sound, plan: Plan, durations: tuple[int, ...]) -> Track:
    return Track("audio", one.folder, RATE, durations, extension=plan.extension, codec="mp4a.40.2", group=one.group,
                 language=one.language, name=one.name, default=one.default, channels=one.channels)  # fmt: skip


def _described(track: Track, plan: Plan, work: Work[HlsSettings]) -> Track:
    """With what is known of its files: codec, rate, key frames."""
    sizes = {
        name: mark.size_bytes for receipt in work.receipts.values() for name, mark in receipt.files.items()
    }
    rate = tracks.measured(track, sizes) if work.complete else _expected(track, plan)
    if track.kind == "audio":
        return replace(track, rate=rate)
    codec = codecs.codec((work.folder / track.folder / INIT).read_bytes()) if track.init else _ts_codec(plan)
    damaged = any(encoded.empty is not None for encoded in _encoded(work))
    pictures = 0 if damaged else track.pictures
    iframes = _iframes(track.folder, work, plan) if work.complete else ()
    return replace(track, rate=rate, codec=codec, pictures=pictures, iframes=iframes)


def _ts_codec(plan: Plan) -> str:
    """Transport streams have no init segment: H.264 High at a level that fits all sizes of the ladder."""
    tallest = max(min(one.width, one.height) for one in plan.pictures)
    fast = plan.frame_rate > 31  # noqa: PLR2004 - 30 fps and a rounding
    level = 52 if tallest > 1440 and fast else 51 if tallest > 1080 else 42 if fast else 40  # noqa: PLR2004 - H.264, A.3
    return f"avc1.6400{level:02x}"


def _iframes(folder: str, work: Work[HlsSettings], plan: Plan) -> tuple[tuple[int, ...], ...]:
    """The key frames' places of one rendition, segment by segment."""
    if plan.copied and folder == plan.copied.name:
        return work.facts(COPY, CopyFacts).iframes[folder]
    return tuple(spans for encoded in _encoded(work) for spans in encoded.iframes.get(folder, ()))


def _encoded(work: Work[HlsSettings]) -> list[EncodeFacts]:
    """The facts of the encoded chunks, in order."""
    names = sorted(name for name in work.receipts if name.startswith(("video-", "full-")))
    return [work.facts(name, EncodeFacts) for name in names]


def _expected(track: Track, plan: Plan) -> Rate:
    """What a track takes at most, as long as not all of it is there to be measured."""
    kbps = {one.folder: one.kbps for one in plan.sounds} | {one.name: one.max_kbps for one in plan.renditions}
    if track.folder in kbps:
        return Rate(round(kbps[track.folder] * 1000 * _HEADROOM), kbps[track.folder] * 1000)
    assert plan.timeline is not None  # noqa: S101 - only a copied track has no cap
    rates = [
        size * 8 / track.seconds(number)
        for number, size in enumerate(plan.timeline.source_bytes)
        if track.durations[number]
    ]
    return Rate(round(max(rates) * _HEADROOM), round(sum(rates) / len(rates)))


def _whole_segments(shown: Sequence[Track], have: Set[str], empty: Set[int]) -> int:
    """How many segments, from the first on, are whole in all tracks; `empty` ones count as whole."""
    if not shown or any(track.init and f"{track.folder}/{track.init}" not in have for track in shown):
        return 0
    count = len(shown[0].durations)
    number = 0
    while number < count and all(_is_whole(track, number, have, empty) for track in shown):
        number += 1
    while number and number - 1 in empty:
        number -= 1
    return number


def _is_whole(track: Track, number: int, have: Set[str], empty: Set[int]) -> bool:
    if track.kind == "video" and number in empty:
        return True
    return f"{track.folder}/{track.segment(number)}" in have


def _notes(plan: Plan, work: Work[HlsSettings], count: int) -> list[str]:
    """What viewers should know about a file that was not quite right."""
    return [*_damage(work, plan, count), *_cut_sound(plan)]


def _cut_sound(plan: Plan) -> list[str]:
    """Segments begin at pictures: where there are none any more, the stream ends."""
    pictures = (plan.borders[-1] - OFFSET) / TICKS
    if not plan.sounds or (plan.sound_seconds or 0.0) - pictures <= plan.config.segment_seconds:
        return []
    more = (plan.sound_seconds or 0.0) - pictures
    return [f"The sound goes on for {more:.0f} s after the last picture and is cut there."]


def _damage(work: Work[HlsSettings], plan: Plan, count: int) -> list[str]:
    chunks = _encoded(work)
    lost = sorted({number for encoded in chunks for number in encoded.empty or ()})
    partly = any(encoded.empty is not None for encoded in chunks)
    if not lost:
        return ["The file is damaged: some of its pictures could not be decoded."] if partly else []
    seconds = sum(plan.borders[n + 1] - plan.borders[n] for n in lost) / TICKS
    where = "at its end" if lost[-1] >= count else "in places"
    return [f"The file is damaged: about {seconds:.0f} s of picture could not be decoded {where}."]
