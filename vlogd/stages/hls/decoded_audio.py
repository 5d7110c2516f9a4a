"""How much of a track's sound was decoded: silence takes the place of what was not, and people should know of it.

While a track is encoded, ffmpeg also lists how many samples its decoder gave (the muxer `framecrc`: a line for every ten
seconds). They are compared with what the container promises, so that sound that really is shorter than the video, or
begins later, is no damage.
"""

import json
from contextlib import suppress
from fractions import Fraction

from vlogd.core.errors import ToolFailed
from vlogd.media import bounds, ffmpeg, refusals
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls.audio_tracks import AudioRendition
from vlogd.stages.hls.facts import AudioFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plans import AudioOnlyPlan, StreamPlan
from vlogd.stages.workspace import Workspace

_COUNTED_SAMPLES = 480_000
"""One line for so many, ten seconds at 48 kHz: 360 lines an hour."""

_UNNOTICED_SECONDS = 1.0
"""Encoders' delays, edit lists and rounded durations take less."""

_UNNOTICED_SHARE = 0.005
"""Clocks of recorders that run 0.5 % slow: the samples are all there."""

_LISTING = "decoded.txt"


def counted(stream: ffmpeg.Stream, ws: Workspace[HlsSettings]) -> tuple[ffmpeg.Stream, ffmpeg.Stream]:
    """A track's decoded samples, to go on with, and the output that lists how many they are."""
    copies = stream.filter_multi_output("asplit", 2)
    return copies.stream(0), _listing(copies.stream(1), ws)


def _listing(stream: ffmpeg.Stream, ws: Workspace[HlsSettings]) -> ffmpeg.Stream:
    # pad=0: the last frame is not filled up with samples that are not there.
    frames = stream.filter("asetnsamples", n=_COUNTED_SAMPLES, pad=0)
    return ffmpeg.output(frames, ws.scratch / _LISTING, f="framecrc", **{"c:a": "pcm_s16le"})


def facts(
    plan: StreamPlan, rendition: AudioRendition, ws: Workspace[HlsSettings], *, complained: bool
) -> AudioFacts:
    """What of the track, which was just encoded, is silence because it could not be decoded.

    The container is asked only where the sound is shorter than the stream; the packets are read only where it does not
    know and ffmpeg `complained`. Raises BadInput where there is only audio and none of it can be decoded.
    """
    decoded = _decoded_seconds(ws)
    stream_seconds = (plan.boundaries[-1] - plan.boundaries[0]) / TICKS
    if not decoded and isinstance(plan, AudioOnlyPlan) and not _is_any_other_decodable(plan, rendition, ws):
        raise refusals.NO_SOUND_DECODES.error()
    if not _is_noticeable(stream_seconds - decoded, stream_seconds):
        return AudioFacts()
    promised = _stated_seconds(plan, rendition, ws, stream_seconds)
    if promised is None and (complained or not decoded):
        packets, promised = _packets(rendition, ws)
        if packets and not decoded:
            return AudioFacts(round(promised, 3), silent=True)
    promised = promised or 0.0
    missing = min(promised, stream_seconds) - decoded
    return AudioFacts(round(missing, 3), not decoded) if _is_noticeable(missing, promised) else AudioFacts()


def _decoded_seconds(ws: Workspace[HlsSettings]) -> float:
    path = ws.scratch / _LISTING
    return listed_seconds(path.read_text()) if path.exists() else 0.0


def listed_seconds(listing: str) -> float:
    """The sum of the durations in a listing: "stream, dts, pts, duration, bytes, checksum" in each line."""
    time_base, total = Fraction(0), 0
    for line in listing.splitlines():
        if line.startswith("#tb 0:"):
            time_base = Fraction(line.partition(":")[2].strip())
        elif not line.startswith("#"):
            total += int(line.split(",")[3])
    return float(total * time_base)


def _is_noticeable(missing_seconds: float, of_seconds: float) -> bool:
    return missing_seconds > max(_UNNOTICED_SECONDS, of_seconds * _UNNOTICED_SHARE)


def _stated_seconds(
    plan: StreamPlan, rendition: AudioRendition, ws: Workspace[HlsSettings], stream_seconds: float
) -> float | None:
    """How long the container says that the track is, within the stream; None where it does not say."""
    if plan.media.format not in bounds.STATES_LENGTH:
        return None
    answer = ffmpeg.probe(ws.film, "-select_streams", str(rendition.stream.index), "-show_entries",
                          "stream=start_time,duration", limits=ws.limits, stop=ws.stop)  # fmt: skip
    stream: dict[str, str] = (json.loads(answer).get("streams") or [{}])[0]
    with suppress(KeyError, ValueError):
        begin = float(stream["start_time"]) - plan.media.start_seconds
        end = begin + float(stream["duration"])
        return max(0.0, min(end, stream_seconds) - max(begin, 0.0))
    return None


def _packets(rendition: AudioRendition, ws: Workspace[HlsSettings]) -> tuple[int, float]:
    """How many packets of the track can be read, and how long they last, as far as they say so."""
    count, total = 0, 0.0

    def add(line: str) -> None:
        nonlocal count, total
        count += bool(line)
        with suppress(ValueError):
            total += max(0.0, float(line))

    with suppress(ToolFailed):
        ffmpeg.probe_lines(ws.film, "-select_streams", str(rendition.stream.index), "-show_entries",
                           "packet=duration_time", "-of", "csv=p=0", on_line=add, limits=ws.limits, stop=ws.stop)  # fmt: skip
    return count, total


def _is_any_other_decodable(
    plan: AudioOnlyPlan, rendition: AudioRendition, ws: Workspace[HlsSettings]
) -> bool:
    """Whether anything of another track of the file can be decoded."""
    others = {track.stream.index for track in plan.audio} - {rendition.stream.index}
    for index in sorted(others):
        listing = _listing(ffmpeg.source(ws.film)[str(index)], ws)
        with suppress(ToolFailed):
            ffmpeg.run([listing], limits=ws.limits, stop=ws.stop, global_options=("-max_error_rate", "1"))
        if _decoded_seconds(ws):
            return True
    return False
