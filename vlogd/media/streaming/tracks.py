"""The playable tracks, as plain data: what playlists and manifests are written from.

`stream.json` beside the finished media playlists holds the same, so that later stages can name the
tracks without knowing how they were made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any, Literal

STREAM = "stream.json"
_FORMAT = 1

TEXTS = "texts.json"
"""In the artifact of a stage that makes subtitles: a list of {src, language, label}."""

TICKS = 90_000
OFFSET_SECONDS = 10
"""Added to all published times, so that no decoding time is negative; players map the first time to 0."""
OFFSET = OFFSET_SECONDS * TICKS

INIT = "init.mp4"
MEDIA = "index.m3u8"
IFRAMES = "iframes.m3u8"

Kind = Literal["video", "audio", "subtitles"]


@dataclass(frozen=True)
class Rate:
    """Bits per second, peak and average."""

    peak: int = 0
    average: int = 0

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.peak + other.peak, self.average + other.average)


@dataclass(frozen=True)
class Track:
    """One media playlist and its segments.

    `durations`: of the segments, in ticks of `timescale`. `base`: the path from the master playlist
    to the folder that holds `folder`, "" or ending in "/". `extension`: of the segments; "m4s", "ts",
    "aac" or "vtt". `group`: audio tracks that can replace each other. `iframes`: for each segment
    the offset and length of its key frames, alternating (with their moof, Apple 6.10). `pictures` (a stored
    name): how many frames there are in all, 0 where that is not known. `thinned`: how many the source has and how many a
    second were asked for, where frames are left out.
    """

    kind: Kind
    folder: str
    timescale: int
    durations: tuple[int, ...]
    extension: str = "m4s"
    base: str = ""
    codec: str = ""
    rate: Rate = Rate()
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    video_range: str = "SDR"
    pictures: int = 0
    group: str = ""
    language: str = "und"
    name: str = ""
    default: bool = False
    channels: int = 0
    iframes: tuple[tuple[int, ...], ...] = ()
    thinned: tuple[int, int] | None = None

    @property
    def init(self) -> str | None:
        """The name of the init segment; only fragmented MP4 has one."""
        return INIT if self.extension == "m4s" else None

    @property
    def address(self) -> str:
        """The media playlist's address relative to the master playlist."""
        return f"{self.base}{self.folder}/{MEDIA}"

    def segment(self, number: int) -> str:
        """The file name of a segment."""
        return f"{number:05d}.{self.extension}"

    def seconds(self, number: int) -> float:
        """How long a segment lasts."""
        return self.durations[number] / self.timescale

    def below(self, base: str) -> "Track":
        """The same track, addressed from another folder."""
        return replace(self, base=base)


def measured(track: Track, sizes: Mapping[str, int]) -> Rate:
    """The rate of the segments that are there, by their `sizes` in bytes [1.26, 1.27].

    A short tail may have any rate: it is not a peak (1.27 speaks of whole segments).
    """
    count = len(track.durations)
    known = [
        (sizes[name] * 8, track.seconds(n))
        for n in range(count)
        if (name := f"{track.folder}/{track.segment(n)}") in sizes and track.durations[n]
    ]
    if not known:
        return Rate()
    longest = max(seconds for _, seconds in known)
    peak = max(bits / seconds for bits, seconds in known if seconds > longest / 2)
    return Rate(round(peak), round(sum(bits for bits, _ in known) / sum(seconds for _, seconds in known)))


def to_json(tracks: Iterable[Track]) -> dict[str, Any]:
    """The content of `stream.json`; durations are run-length encoded."""
    values = []
    for track in tracks:
        value = asdict(track)
        value["durations"] = run_lengths(track.durations)
        if track.thinned is None:  # as in all earlier versions
            del value["thinned"]
        values.append(value)
    return {"format": _FORMAT, "tracks": values}


def from_json(content: Mapping[str, Any]) -> tuple[Track, ...]:
    """Parse what `to_json` returned. Raises KeyError, TypeError or ValueError for anything else."""
    if content["format"] != _FORMAT:
        raise ValueError("a newer vlogd wrote this stream.json")
    tracks = []
    for value in content["tracks"]:
        durations = tuple(ticks for ticks, count in value["durations"] for _ in range(count))
        iframes = tuple(tuple(of_segment) for of_segment in value["iframes"])
        thinned = (int(value["thinned"][0]), int(value["thinned"][1])) if "thinned" in value else None
        parsed = {
            "durations": durations,
            "iframes": iframes,
            "rate": Rate(**value["rate"]),
            "thinned": thinned,
        }
        tracks.append(Track(**{**value, **parsed}))
    return tuple(tracks)


def run_lengths(values: Sequence[int]) -> list[tuple[int, int]]:
    """Each value with how many times it is repeated in a row."""
    return [(value, sum(1 for _ in row)) for value, row in groupby(values)]
