"""What the probe stage finds out of a file, and what of it viewers see."""

from dataclasses import dataclass

from vlogd.core.model import Json
from vlogd.media import refusals
from vlogd.stages import facts


@dataclass(frozen=True)
class ScanFacts:
    """Keys of `video.json`. The size is the one at which viewers see the video; None where there is only audio.

    Not published as they are: `claimed_seconds`, how long an audio-only file says it is, where its sound ends earlier;
    `undecodable`, the tracks without a decoder; and `cut_off`, whether data of a video are missing at the file's end.
    """

    duration_seconds: float
    width: int | None
    height: int | None
    audio_only: bool
    claimed_seconds: float | None = None
    undecodable: tuple[str, ...] = ()
    cut_off: bool = False


_PRIVATE_FACTS = ("claimed_seconds", "undecodable", "cut_off")


def published(found: ScanFacts) -> dict[str, Json]:
    """The keys of `video.json`; notes only where there are some."""
    keys = {key: value for key, value in facts.to_json(found).items() if key not in _PRIVATE_FACTS}
    notes = _notes(found)
    return {**keys, "notes": notes} if notes else keys


def _notes(found: ScanFacts) -> list[Json]:
    """What people should know of a file that is published, but not all of it."""
    notes: list[Json] = []
    if found.undecodable:
        tracks = " and ".join(found.undecodable)
        rest = "; only its sound is published" if found.audio_only and "video" in tracks else ""
        notes.append(
            f"The file's {tracks} cannot be decoded by the ffmpeg that is installed here, and is left out{rest}."
        )
    if found.cut_off:
        notes.append("The file is cut off, and is published as far as it goes: is the copy complete?")
    if found.claimed_seconds is not None:
        claimed, there = refusals.length(found.claimed_seconds), refusals.length(found.duration_seconds)
        notes.append(
            f"The file says that it lasts {claimed}, but its sound ends after {there}: is the copy complete?"
        )
    return notes
