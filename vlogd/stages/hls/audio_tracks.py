"""Which sound tracks are published: every track that can be decoded, as stereo AAC [2.3]; 5.1 too if configured."""

from dataclasses import dataclass, replace

from vlogd.media import languages
from vlogd.media.ffprobe import AudioStream, Media
from vlogd.stages.hls.ladder import HlsSettings

_MOST_TRACKS = 8
_SURROUND_CHANNELS = 6


@dataclass(frozen=True)
class Sound:
    """One rendition of a sound track. `part` and `folder` are its names."""

    part: str
    folder: str
    stream: AudioStream
    channels: int
    kbps: int
    group: str
    name: str
    language: str
    default: bool


def sounds(media: Media, config: HlsSettings) -> tuple[Sound, ...]:
    """The default track first [8.10: each has a language]; names are unique."""
    usable = [track for track in media.audio if track.codec and track.channels]
    ordered = sorted(usable, key=lambda track: not track.default)[:_MOST_TRACKS]
    names = _names(ordered)
    found = []
    for number, (track, name) in enumerate(zip(ordered, names, strict=True)):
        tag = languages.tag(track.language)
        stereo = Sound(
            f"audio-{number}", f"a{number}", track, 2, config.audio_kbps, "stereo", name, tag, number == 0
        )
        found.append(stereo)
        if config.surround_kbps and track.channels >= _SURROUND_CHANNELS:
            found.append(
                replace(stereo, part=f"audio-{number}-surround", folder=f"a{number}-surround",
                        channels=_SURROUND_CHANNELS, kbps=config.surround_kbps, group="surround",
                        default=not any(one.group == "surround" for one in found))
            )  # fmt: skip
    return tuple(found)


def _names(tracks: list[AudioStream]) -> list[str]:
    """The track's title, else its language's name, else its number; a second one of a name gets a number."""
    found: list[str] = []
    for number, track in enumerate(tracks, 1):
        tag = languages.tag(track.language)
        name = track.title or (languages.name(tag) if tag != languages.UNKNOWN else f"Track {number}")
        found.append(name if name not in found else f"{name} ({number})")
    return found
