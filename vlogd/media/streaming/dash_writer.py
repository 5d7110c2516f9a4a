"""`manifest.mpd`: the same segments as MPEG-DASH (ISO/IEC 23009-1, "isoff-live" profile, static).

Fragmented MP4 only. Each track is a Representation with a SegmentTimeline in its own ticks; the
ten seconds before all published times are removed by `presentationTimeOffset`.
"""

from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree as ET

from vlogd.media.streaming.tracks import INIT, OFFSET_SECONDS, Track, run_lengths

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
_MIME = {"video": "video/mp4", "audio": "audio/mp4"}


def manifest(tracks: Sequence[Track]) -> bytes:
    """The MPD of finished tracks; each subtitle track is one WebVTT file."""
    video_tracks = [track for track in tracks if track.kind == "video"]
    audio_tracks = [track for track in tracks if track.kind == "audio"]
    longest = max(sum(track.durations) / track.timescale for track in video_tracks or audio_tracks)
    target = max(max(track.durations) / track.timescale for track in [*video_tracks, *audio_tracks])
    mpd = ET.Element("MPD", {
        "xmlns": _NAMESPACE,
        "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
        "type": "static",
        "mediaPresentationDuration": f"PT{longest:.3f}S",
        "minBufferTime": f"PT{target:.3f}S",
    })  # fmt: skip
    period = ET.SubElement(mpd, "Period", {"id": "0", "start": "PT0S"})
    for codec in dict.fromkeys((track.codec.partition(".")[0], track.video_range) for track in video_tracks):
        same = [t for t in video_tracks if (t.codec.partition(".")[0], t.video_range) == codec]
        _adaptation(period, same)
    for track in audio_tracks:
        _adaptation(period, [track])
    for text in (track for track in tracks if track.kind == "subtitles"):
        _subtitles(period, text)
    ET.indent(mpd, " ")
    written: bytes = ET.tostring(mpd, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _adaptation(period: ET.Element, tracks: Sequence[Track]) -> None:
    """Tracks that a player may switch between."""
    first = tracks[0]
    attributes = {"contentType": first.kind, "mimeType": _MIME[first.kind], "segmentAlignment": "true",
                  "startWithSAP": "1"}  # fmt: skip
    if first.kind == "audio":
        attributes["lang"] = _text(first.language)
    adaptation_set = ET.SubElement(period, "AdaptationSet", attributes)
    if first.kind == "audio":
        role = "main" if first.default else "alternate"
        ET.SubElement(adaptation_set, "Role", {"schemeIdUri": "urn:mpeg:dash:role:2011", "value": role})
        ET.SubElement(adaptation_set, "Label").text = _text(first.name)
    for track in tracks:
        _representation(adaptation_set, track)


def _representation(parent: ET.Element, track: Track) -> None:
    attributes = {"id": track.folder, "codecs": track.codec, "bandwidth": str(max(1, track.rate.peak))}
    if track.kind == "video":
        rate = Fraction(track.frame_rate).limit_denominator(1001)
        attributes |= {"width": str(track.width), "height": str(track.height), "sar": "1:1",
                       "frameRate": f"{rate.numerator}/{rate.denominator}"}  # fmt: skip
    else:
        attributes["audioSamplingRate"] = str(track.timescale)
    representation = ET.SubElement(parent, "Representation", attributes)
    if track.channels:
        ET.SubElement(
            representation,
            "AudioChannelConfiguration",
            {"schemeIdUri": _CHANNELS, "value": str(track.channels)},
        )
    zero = OFFSET_SECONDS * track.timescale
    template = ET.SubElement(representation, "SegmentTemplate", {
        "timescale": str(track.timescale),
        "presentationTimeOffset": str(zero),
        "startNumber": "0",
        "initialization": f"{track.base}{track.folder}/{INIT}",
        "media": f"{track.base}{track.folder}/$Number%05d$.{track.extension}",
    })  # fmt: skip
    timeline = ET.SubElement(template, "SegmentTimeline")
    for number, (ticks, count) in enumerate(run_lengths(track.durations)):
        start = {"t": str(zero)} if number == 0 else {}
        repeat = {"r": str(count - 1)} if count > 1 else {}
        ET.SubElement(timeline, "S", {**start, "d": str(ticks), **repeat})


def _subtitles(period: ET.Element, track: Track) -> None:
    adaptation_set = ET.SubElement(
        period,
        "AdaptationSet",
        {"contentType": "text", "mimeType": "text/vtt", "lang": _text(track.language)},
    )
    ET.SubElement(adaptation_set, "Label").text = _text(track.name)
    attributes = {"id": track.folder, "bandwidth": str(max(1, track.rate.average))}
    representation = ET.SubElement(adaptation_set, "Representation", attributes)
    ET.SubElement(representation, "BaseURL").text = f"{track.base}{track.folder}/{track.segment(0)}"


def _text(text: str) -> str:
    """Without what XML 1.0 cannot hold even as a reference (section 2.2); ElementTree escapes the rest."""
    return "".join(c for c in text if c.isprintable())
