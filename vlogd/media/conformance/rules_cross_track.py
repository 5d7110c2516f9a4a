"""Rules that hold between the tracks of a stream, and between a stream of vlogd's and its plan."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlogd.media.conformance.findings import PLAN, Finding, must
from vlogd.media.conformance.samples import Contents
from vlogd.media.streaming import codecs, tracks
from vlogd.media.streaming.hls_reader import Master, MediaPlaylist, Variant
from vlogd.media.streaming.tracks import STREAM, Track

_RATE_TOLERANCE = 1.1
_SYNC_SECONDS = 0.1
_ALIGNED_SECONDS = 0.001
_SOUND_BORDER_SECONDS = 0.1


@dataclass(frozen=True)
class Looked:
    """One media playlist with its contents. `kind` is "picture" or "sound" as the master says."""

    uri: str
    kind: str
    playlist: MediaPlaylist
    contents: Contents

    @property
    def has_pictures(self) -> bool:
        """Whether its samples are pictures; a variant may be sound alone."""
        if self.contents.init:
            return b"vide" in self.contents.init
        return self.kind == "picture"

    def sound(self) -> bool:
        """Whether nothing forbids looking at its samples."""
        return not self.playlist.encrypted and all(s is None or not s.fault for s in self.contents.segments)

    def peak_and_average(self) -> tuple[float, float]:
        """Bits per second, measured [1.26, 1.27]."""
        pairs = [
            (found.size_bytes * 8, segment.seconds)
            for segment, found in zip(self.playlist.segments, self.contents.segments, strict=True)
            if found is not None and segment.seconds
        ]
        if not pairs:
            return 0.0, 0.0
        longest = max(seconds for _, seconds in pairs)
        peak = max(bits / seconds for bits, seconds in pairs if seconds > longest / 2)
        return peak, sum(bits for bits, _ in pairs) / sum(seconds for _, seconds in pairs)


def of_tracks(master: Master, looked: Sequence[Looked]) -> Iterator[Finding]:
    """The tracks against the master and against each other."""
    by_uri = {one.uri: one for one in looked}
    for variant in master.variants:
        if variant.uri in by_uri:
            group = [r.uri for r in master.renditions if r.kind == "AUDIO" and r.group == variant.audio]
            # A variant that is one of its own sounds has no pictures: the others play instead of it.
            sounds = [] if variant.uri in group else [by_uri[uri] for uri in group if uri in by_uri]
            yield from _promises(variant, by_uri[variant.uri], sounds)
    yield from _aligned(
        [one for one in looked if one.has_pictures], [one for one in looked if not one.has_pictures]
    )
    targets = {one.playlist.target_seconds for one in looked}
    if len(targets) > 1:
        yield must(
            "Apple 8.2",
            master.path.name,
            f"The tracks differ in target duration: {sorted(map(str, targets))}.",
        )


def _promises(variant: Variant, one: Looked, sounds: Sequence[Looked]) -> Iterator[Finding]:
    """BANDWIDTH, CODECS and RESOLUTION against what is really there."""
    if not one.playlist.ended:
        return
    peak, average = one.peak_and_average()
    peak += max((sound.peak_and_average()[0] for sound in sounds), default=0.0)
    average += max((sound.peak_and_average()[1] for sound in sounds), default=0.0)
    for said, real, name, rule in (
        (variant.bandwidth, peak, "BANDWIDTH", "Apple 1.27"),
        (variant.average, average, "AVERAGE-BANDWIDTH", "Apple 1.26"),
    ):
        if said and not said / _RATE_TOLERANCE <= real <= said * _RATE_TOLERANCE:
            yield must(rule, variant.uri, f"{name} says {said}, measured are {round(real)} bit/s.")
    if not one.contents.init:
        return
    codec = codecs.codec(one.contents.init)
    if codec and codec not in variant.codecs.split(","):
        yield must("Apple 9.1", variant.uri, f"CODECS says {variant.codecs}, its init segment is {codec}.")
    if codecs.sample_entry(one.contents.init) in ("avc3", "hev1"):
        yield must(
            "Apple 1.10", variant.uri, "Parameter sets belong into the sample description (avc1, hvc1)."
        )
    size = codecs.picture_size(one.contents.init)
    if variant.resolution and size and size != variant.resolution:
        told = "x".join(map(str, variant.resolution))
        yield must("Apple 9.2", variant.uri, f"RESOLUTION says {told}, its init segment {size[0]}x{size[1]}.")


def _aligned(pictures: Sequence[Looked], sounds: Sequence[Looked]) -> Iterator[Finding]:
    """The same segments in all tracks [8.22], picture and sound from the same moment on."""
    usable = [one for one in pictures if one.sound()]
    for one in usable[1:]:
        first = usable[0]
        if len(one.playlist.segments) != len(first.playlist.segments):
            yield must("Apple 8.22", one.uri, f"It has {len(one.playlist.segments)} segments, "
                       f"{first.uri} has {len(first.playlist.segments)}.")  # fmt: skip
            continue
        for number, (here, there) in enumerate(zip(_starts(one), _starts(first), strict=True)):
            if here is not None and there is not None and abs(here - there) > _ALIGNED_SECONDS:
                yield must(
                    "Apple 8.22",
                    one.uri,
                    f"Segment {number} begins {here - there:+.3f} s away from that of {first.uri}.",
                )
                break
    for sound in (one for one in sounds if one.sound()):
        yield from _beside(sound, usable)


def _beside(sound: Looked, pictures: Sequence[Looked]) -> Iterator[Finding]:
    if not pictures:
        return
    starts, others = _starts(sound), _starts(pictures[0])
    if len(starts) != len(others):
        yield must(
            "Apple 8.22", sound.uri, f"It has {len(starts)} segments, {pictures[0].uri} has {len(others)}."
        )
        return
    if starts[0] is not None and others[0] is not None and abs(starts[0] - others[0]) > _SYNC_SECONDS:
        yield must("Apple 7.3", sound.uri, f"Sound and picture begin {starts[0] - others[0]:+.3f} s apart.")
    for number, (here, there) in enumerate(zip(starts[1:], others[1:], strict=True), 1):
        if here is not None and there is not None and abs(here - there) > _SOUND_BORDER_SECONDS:
            yield must(
                "Apple 8.22",
                sound.uri,
                f"Segment {number} begins {here - there:+.3f} s away from the picture's.",
            )
            break


def _starts(one: Looked) -> list[float | None]:
    """When each segment's first sample is shown, seconds; None for a gap."""
    return [
        found.pts[0] / one.contents.timescale if found is not None and found.pts else None
        for found in one.contents.segments
    ]


def of_plan(folder: Path, looked: Sequence[Looked]) -> Iterator[Finding]:
    """A stream of vlogd's against what its `stream.json` says of each track."""
    try:
        planned = tracks.from_json(json.loads((folder / STREAM).read_bytes()))
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        yield must(PLAN, STREAM, f"It cannot be read ({error}).")
        return
    by_folder = {one.uri.rpartition("/")[0]: one for one in looked}
    for track in planned:
        if track.folder not in by_folder:
            yield must(PLAN, STREAM, f"{track.folder} was planned, the master playlist does not name it.")
        elif by_folder[track.folder].sound():
            yield from _as_planned(track, by_folder[track.folder])


def _as_planned(track: Track, one: Looked) -> Iterator[Finding]:
    if len(one.playlist.segments) != len(track.durations):
        yield must(
            PLAN,
            one.uri,
            f"{len(track.durations)} segments were planned, {len(one.playlist.segments)} are named.",
        )
        return
    found = [part for part in one.contents.segments if part is not None]
    pictures = sum(len(part.pts) for part in found)
    if track.pictures and pictures != track.pictures:
        yield must(PLAN, one.uri, f"{track.pictures} pictures were planned, {pictures} are there.")
    for number, segment in enumerate(one.playlist.segments):
        if abs(segment.seconds - track.seconds(number)) > _ALIGNED_SECONDS:
            yield must(PLAN, one.uri, f"{segment.uri} was planned to last {track.seconds(number):.3f} s, "
                       f"EXTINF says {segment.seconds:.3f} s.")  # fmt: skip
