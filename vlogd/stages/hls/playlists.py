"""Playlists from the plan and the names of the files that are whole (RFC 8216; Apple's clauses in []).

While the step grows, the media playlists are EVENT and name only the run of segments that is whole
in every rendition and in the sound, so that none runs ahead [8.6]. At the end they are VOD. The
target duration is fixed by the plan from the beginning.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from vlogd.model import FileMark
from vlogd.stages.hls.audio import FRAME_SAMPLES, RATE, first_frames
from vlogd.stages.hls.chunk import INIT, segment_name
from vlogd.stages.hls.ladder import Rendition
from vlogd.stages.hls.plan import AUDIO_FOLDER, Plan
from vlogd.stages.hls.timeline import TICKS

MEDIA = "index.m3u8"
MASTER = "master.m3u8"
_FIRST_BITS_PER_SECOND = 2_000_000
"""The first variant that is listed is the one that most players begin with [1.32]."""
_HEADROOM = 1.1
"""Until everything is measured, BANDWIDTH is the cap and a tenth."""


@dataclass(frozen=True)
class Track:
    """One media playlist: its folder, and how long each segment lasts."""

    folder: str
    seconds: tuple[float, ...]


def tracks(plan: Plan) -> tuple[Track, ...]:
    """The renditions, then the sound."""
    pictures = tuple((after - before) / TICKS for before, after in pairwise(plan.borders))
    found = [Track(size.name, pictures) for size in plan.renditions]
    if plan.audio:
        sound = (
            frames * FRAME_SAMPLES / RATE
            for frames in (b - a for a, b in pairwise(first_frames(plan.borders)))
        )
        found.append(Track(AUDIO_FOLDER, tuple(sound)))
    return tuple(found)


def whole_segments(plan: Plan, have: Set[str], empty: Set[int]) -> int:
    """How many segments, from the first on, are whole in all tracks; `empty` ones count as whole."""
    found = tracks(plan)
    if not found or any(f"{track.folder}/{INIT}" not in have for track in found):
        return 0
    count = len(plan.borders) - 1
    number = 0
    while number < count and all(_is_whole(track, number, have, empty) for track in found):
        number += 1
    while number and number - 1 in empty:
        number -= 1
    return number


def _is_whole(track: Track, number: int, have: Set[str], empty: Set[int]) -> bool:
    if track.folder != AUDIO_FOLDER and number in empty:
        return True
    return f"{track.folder}/{segment_name(number)}" in have


def media_playlist(track: Track, count: int, have: Set[str], *, complete: bool) -> bytes:
    """The first `count` segments of a track. A segment without a picture becomes a gap."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, *(int(s + 0.5) for s in track.seconds))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if complete else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if not complete:
        lines.append("#EXT-X-START:TIME-OFFSET=0")
    lines.append(f'#EXT-X-MAP:URI="{INIT}"')
    for number in range(count):
        name = segment_name(number)
        if f"{track.folder}/{name}" not in have:
            lines.append("#EXT-X-GAP")
        lines += [f"#EXTINF:{track.seconds[number]:.6f},", name]
    if complete:
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


@dataclass(frozen=True)
class Rate:
    """Bits per second, peak and average."""

    peak: int
    average: int


def rate(track: Track, marks: Mapping[str, FileMark], count: int) -> Rate:
    """Measured from the segments that are there [1.26, 1.27]."""
    sizes = [(marks.get(f"{track.folder}/{segment_name(n)}"), track.seconds[n]) for n in range(count)]
    known = [(mark.size_bytes * 8, seconds) for mark, seconds in sizes if mark and seconds]
    if not known:
        return Rate(0, 0)
    # A short tail may have any rate: it is no peak [1.27 speaks of whole segments].
    whole = [bits / seconds for bits, seconds in known if seconds > max(track.seconds) / 2]
    return Rate(round(max(whole)), round(sum(b for b, _ in known) / sum(s for _, s in known)))


@dataclass(frozen=True)
class Variant:
    """A line of the master playlist. `codec` is of the picture, or "" for sound alone."""

    size: Rendition | None
    codec: str
    rate: Rate


def master_playlist(
    plan: Plan, variants: Sequence[Variant], sound: Rate | None, audio_codec: str, prefix: str
) -> bytes:
    """The master playlist, its addresses behind `prefix`; BANDWIDTH is that of picture and sound."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if not plan.renditions:
        assert sound is not None  # noqa: S101 - there is a picture or a sound
        lines += [_stream(sound, [f'CODECS="{audio_codec}"']), f"{prefix}{AUDIO_FOLDER}/{MEDIA}"]
        return _text(lines)
    if plan.audio:
        language = plan.audio.language or "und"
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",LANGUAGE="{_attribute(language)}",NAME="{_attribute(language)}",'
            f'DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="{prefix}{AUDIO_FOLDER}/{MEDIA}"'
        )
    for variant in _listed(variants):
        assert variant.size is not None  # noqa: S101 - a picture's variant
        codecs = ",".join(filter(None, (variant.codec, audio_codec if plan.audio else "")))
        total = Rate(
            variant.rate.peak + (sound.peak if sound else 0),
            variant.rate.average + (sound.average if sound else 0),
        )
        attributes = [
            f'CODECS="{codecs}"',
            f"RESOLUTION={variant.size.width}x{variant.size.height}",
            f"FRAME-RATE={float(plan.frame_rate):.3f}",
            *(['AUDIO="audio"'] if plan.audio else []),
        ]
        lines += [_stream(total, attributes), f"{prefix}{variant.size.name}/{MEDIA}"]
    return _text(lines)


def _listed(variants: Sequence[Variant]) -> list[Variant]:
    """The variant nearest to 2000 kbit/s first, then the others as they come (largest first)."""
    first = min(variants, key=lambda variant: abs(variant.rate.average - _FIRST_BITS_PER_SECOND))
    return [first, *(variant for variant in variants if variant is not first)]


def _stream(total: Rate, attributes: Sequence[str]) -> str:
    rates = [f"BANDWIDTH={max(1, total.peak)}", f"AVERAGE-BANDWIDTH={max(1, total.average)}"]
    return "#EXT-X-STREAM-INF:" + ",".join([*rates, *attributes])


def planned_rate(size: Rendition) -> Rate:
    """What a rendition may take at most, as long as not all of it is measured."""
    return Rate(round(size.max_kbps * 1000 * _HEADROOM), size.max_kbps * 1000)


def _attribute(text: str) -> str:
    """A quoted-string may hold neither quotes nor line ends (RFC 8216, 4.2)."""
    return "".join(c for c in text if c.isprintable() and c != '"')


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
