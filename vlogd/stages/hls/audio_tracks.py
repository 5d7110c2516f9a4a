"""Which audio renditions are published: every track that can be decoded, as stereo AAC (Apple 2.3); 5.1 if configured."""

from dataclasses import dataclass, replace

from vlogd.media import languages
from vlogd.media.ffprobe import AudioStream, Media
from vlogd.stages.hls.ladder import HlsSettings

MOST_TRACKS = 8
"""A disc has at most eight audio tracks (DVD-Video); more of them come from mistakes, and each costs a whole pass."""

STEREO_CHANNELS = 2
SURROUND_CHANNELS = 6


@dataclass(frozen=True)
class AudioRendition:
    """One published form of an audio track. `part` is its part's name, `folder` that of its segments."""

    part: str
    folder: str
    stream: AudioStream
    channels: int
    kbps: int
    group: str
    name: str
    language: str
    default: bool


def decodable(media: Media) -> list[AudioStream]:
    """The tracks that can be published."""
    return [track for track in media.audio if track.codec and track.channels]


def audio_renditions(media: Media, config: HlsSettings) -> tuple[AudioRendition, ...]:
    """The audio renditions, the default track first. Each has a language (Apple 8.10) and a unique name."""
    ordered = sorted(decodable(media), key=lambda track: not track.default)[:MOST_TRACKS]
    renditions: list[AudioRendition] = []
    for number, (track, name) in enumerate(zip(ordered, _names(ordered), strict=True)):
        language = languages.tag(track.language)
        stereo = AudioRendition(
            f"audio-{number}", f"a{number}", track, STEREO_CHANNELS, config.audio_kbps, "stereo", name,
            language, number == 0
        )  # fmt: skip
        renditions.append(stereo)
        if config.surround_kbps and track.channels >= SURROUND_CHANNELS:
            is_first = not any(rendition.group == "surround" for rendition in renditions)
            renditions.append(
                replace(stereo, part=f"audio-{number}-surround", folder=f"a{number}-surround",
                        channels=SURROUND_CHANNELS, kbps=config.surround_kbps, group="surround",
                        default=is_first)
            )  # fmt: skip
    return tuple(renditions)


def _names(tracks: list[AudioStream]) -> list[str]:
    """The track's title, else its language's name, else its number; a second one of the same name gets a number.

    Renditions of a group need different names (RFC 8216, 4.3.4.1.1).
    """
    names: list[str] = []
    for number, track in enumerate(tracks, 1):
        tag = languages.tag(track.language)
        name = track.title or (languages.name(tag) if tag != languages.UNKNOWN else f"Track {number}")
        names.append(name if name not in names else f"{name} ({number})")
    return names
