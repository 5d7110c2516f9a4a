"""Rules that hold between the tracks of a stream, and between a stream of vlogd's and its plan."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from vlogd.media.conformance.checked_track import CheckedTrack
from vlogd.media.conformance.violations import PLAN, Violation, must
from vlogd.media.streaming import tracks
from vlogd.media.streaming.hls_reader import Master, Variant
from vlogd.media.streaming.tracks import STREAM, Track

_RATE_TOLERANCE = 1.1
"""A measured rate may differ by a tenth (Apple 1.26, 1.27)."""
_SYNC_SECONDS = 0.1
"""Audio may begin so much apart from video: two AAC frames, which viewers do not notice."""
_ALIGNED_SECONDS = 0.001
"""Times are written in milliseconds or finer: times that round to the same value are equal."""
_AUDIO_BOUNDARY_SECONDS = 0.1
"""An audio segment ends with a whole frame, so its boundaries lie beside those of video."""
_PARAMETERS_IN_SAMPLES = ("avc3", "hev1")
"""Sample entries whose parameter sets may be in the samples (ISO/IEC 14496-15)."""


def of_tracks(master: Master, checked: Sequence[CheckedTrack]) -> Iterator[Violation]:
    """The tracks against the master playlist and against each other."""
    by_uri = {track.uri: track for track in checked}
    for variant in master.variants:
        if variant.uri in by_uri:
            group = [r.uri for r in master.renditions if r.kind == "AUDIO" and r.group == variant.audio]
            # A variant that is itself in its audio group has no video: the others play instead of it, not beside it.
            beside = [] if variant.uri in group else [by_uri[uri] for uri in group if uri in by_uri]
            yield from _rates(variant, by_uri[variant.uri], beside)
            yield from _init_segment(variant, by_uri[variant.uri])
    yield from _aligned(
        [track for track in checked if track.is_video], [track for track in checked if not track.is_video]
    )
    targets = {track.playlist.target_seconds for track in checked}
    if len(targets) > 1:
        yield must(
            "Apple 8.2",
            master.path.name,
            f"The tracks differ in target duration: {sorted(map(str, targets))}.",
        )


def _rates(variant: Variant, track: CheckedTrack, audio: Sequence[CheckedTrack]) -> Iterator[Violation]:
    """BANDWIDTH and AVERAGE-BANDWIDTH of a finished track against its files."""
    if not track.playlist.ended or track.samples.init_fault:
        return
    peak, average = track.peak_and_average()
    peak += max((rendition.peak_and_average()[0] for rendition in audio), default=0.0)
    average += max((rendition.peak_and_average()[1] for rendition in audio), default=0.0)
    for listed, measured, name, rule in (
        (variant.bandwidth, peak, "BANDWIDTH", "Apple 1.27"),
        (variant.average, average, "AVERAGE-BANDWIDTH", "Apple 1.26"),
    ):
        if (
            not listed or abs(listed - measured) <= 1
        ):  # a bit of rounding counts where a frame stands for hours
            continue
        if not listed / _RATE_TOLERANCE <= measured <= listed * _RATE_TOLERANCE:
            yield must(rule, variant.uri, f"{name} says {listed}, measured are {round(measured)} bit/s.")


def _init_segment(variant: Variant, track: CheckedTrack) -> Iterator[Violation]:
    """CODECS and RESOLUTION of a finished track against its init segment."""
    init = track.samples.init
    if init is None or not track.playlist.ended:
        return
    if init.codec and init.codec not in variant.codecs.split(","):
        yield must(
            "Apple 9.1", variant.uri, f"CODECS says {variant.codecs}, its init segment is {init.codec}."
        )
    if init.sample_entry in _PARAMETERS_IN_SAMPLES:
        yield must("Apple 1.10", variant.uri, "Parameter sets belong in the sample description (avc1, hvc1).")
    size = init.frame_size
    if variant.resolution and size and size != variant.resolution:
        listed = "x".join(map(str, variant.resolution))
        yield must(
            "Apple 9.2", variant.uri, f"RESOLUTION says {listed}, its init segment {size[0]}x{size[1]}."
        )


def _aligned(video: Sequence[CheckedTrack], audio: Sequence[CheckedTrack]) -> Iterator[Violation]:
    """The same segments in all tracks (Apple 8.22), video and audio from the same time on."""
    readable = [track for track in video if track.is_readable]
    for track in readable[1:]:
        yield from _same_boundaries(track, readable[0])
    for track in audio:
        if track.is_readable and readable:
            yield from _beside(track, readable[0])


def _same_boundaries(track: CheckedTrack, first: CheckedTrack) -> Iterator[Violation]:
    if len(track.playlist.segments) != len(first.playlist.segments):
        yield _other_count(track, first)
        return
    for number, (start, expected) in enumerate(zip(_starts(track), _starts(first), strict=True)):
        if start is not None and expected is not None and abs(start - expected) > _ALIGNED_SECONDS:
            yield must(
                "Apple 8.22",
                track.uri,
                f"Segment {number} begins {start - expected:+.3f} s away from that of {first.uri}.",
            )
            return


def _beside(audio: CheckedTrack, video: CheckedTrack) -> Iterator[Violation]:
    audio_starts, video_starts = _starts(audio), _starts(video)
    if len(audio_starts) != len(video_starts):
        yield _other_count(audio, video)
        return
    for number, (start, expected) in enumerate(zip(audio_starts, video_starts, strict=True)):
        if start is None or expected is None:
            continue
        apart = start - expected
        if not number and abs(apart) > _SYNC_SECONDS:
            yield must("Apple 7.3", audio.uri, f"Audio and video begin {apart:+.3f} s apart.")
        elif number and abs(apart) > _AUDIO_BOUNDARY_SECONDS:
            yield must(
                "Apple 8.22", audio.uri, f"Segment {number} begins {apart:+.3f} s away from the video's."
            )
            return


def _other_count(track: CheckedTrack, first: CheckedTrack) -> Violation:
    return must("Apple 8.22", track.uri, f"It has {len(track.playlist.segments)} segments, "
                f"{first.uri} has {len(first.playlist.segments)}.")  # fmt: skip


def _starts(track: CheckedTrack) -> list[float | None]:
    """When each segment's first sample is displayed, in seconds; None for a gap."""
    return [
        part.pts[0] / track.samples.timescale if part is not None and part.pts else None
        for part in track.samples.segments
    ]


def of_plan(folder: Path, checked: Sequence[CheckedTrack]) -> Iterator[Violation]:
    """A stream made by vlogd against its own `stream.json`, track by track."""
    try:
        planned = tracks.from_json(json.loads((folder / STREAM).read_bytes()))
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield must(PLAN, STREAM, f"It cannot be read ({error}).")
        return
    by_folder = {track.uri.rpartition("/")[0]: track for track in checked}
    for track in planned:
        if track.folder not in by_folder:
            yield must(PLAN, STREAM, f"{track.folder} was planned, the master playlist does not name it.")
        elif by_folder[track.folder].is_readable:
            yield from _as_planned(track, by_folder[track.folder])


def _as_planned(planned: Track, track: CheckedTrack) -> Iterator[Violation]:
    segments = track.playlist.segments
    if len(segments) != len(planned.durations):
        yield must(
            PLAN, track.uri, f"{len(planned.durations)} segments were planned, {len(segments)} are named."
        )
        return
    frames = sum(len(part.pts) for part in track.samples.segments if part is not None)
    if planned.pictures and frames != planned.pictures:
        yield must(PLAN, track.uri, f"{planned.pictures} frames were planned, {frames} are there.")
    if planned.thinned and frames:
        yield from _thinned(track, frames, *planned.thinned)
    for number, segment in enumerate(segments):
        if abs(segment.seconds - planned.seconds(number)) > _ALIGNED_SECONDS:
            yield must(
                PLAN,
                track.uri,
                f"{segment.uri} was planned to last {planned.seconds(number):.3f} s, "
                f"EXTINF says {segment.seconds:.3f} s.",
            )


def _thinned(track: CheckedTrack, frames: int, source_frames: int, most_a_second: int) -> Iterator[Violation]:
    """Frames that the source has may be left out only where there would be too many a second with them."""
    times = [time for part in track.samples.segments if part is not None for time in part.pts]
    distances = sorted(after - before for before, after in pairwise(times))
    usual = distances[len(distances) // 2] / track.samples.timescale if distances else 0.0
    left_out_of = source_frames / frames
    if usual and left_out_of > 1 and left_out_of / (left_out_of - 1) / usual < most_a_second:
        yield must(
            PLAN,
            track.uri,
            f"The source has {source_frames} frames, {frames} are published: {1 / usual:.1f} a second, where "
            f"{most_a_second} were asked for.",
        )
