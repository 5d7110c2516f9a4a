"""Artifacts as the stages that read them see them. They are parsed here because no stage imports another."""

import json
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vlogd.core import files, typed_json
from vlogd.media import ffprobe
from vlogd.media.ffprobe import Media
from vlogd.media.streaming.tracks import TEXTS

KEYS = "video.keys"
"""In probe's artifact: pairs of int64, the time of a key frame in stream ticks and the bytes of its GOP."""


@dataclass(frozen=True)
class Probed:
    """The artifact of `probe`.

    `pts_path` is None when there is no video; `keys_path` is None unless the key frames are known to be IDR pictures of
    closed GOPs. `remux_first`: the container has no index. `audio_seconds`: when the audio ends,
    `last_frame_seconds`: when the last frame does by the container; None unless these are notably later than the last frame
    and a usual length of it.
    """

    media: Media
    frames: int
    times_are_known: bool
    remux_first: bool
    pts_path: Path | None
    keys_path: Path | None
    audio_seconds: float | None
    last_frame_seconds: float | None

    def keys(self) -> list[tuple[int, int]]:
        """The time of each key frame (stream ticks) and the bytes from it to the next; empty when not known."""
        if self.keys_path is None:
            return []
        values = array("q")
        values.frombytes(self.keys_path.read_bytes())
        return list(zip(values[::2], values[1::2], strict=True))


def read_probed(folder: Path) -> Probed:
    """The artifact of `probe` that is in `folder`."""
    content = json.loads((folder / "probe.json").read_bytes())
    scan, media = content["scan"], ffprobe.from_json(content["media"])
    return Probed(
        media=media,
        frames=scan["frames"],
        times_are_known=scan["times_are_known"],
        remux_first=scan["remux_first"],
        pts_path=folder / "video.pts" if media.video else None,
        keys_path=folder / KEYS if scan["keys"] else None,
        audio_seconds=scan.get("sound_seconds"),
        last_frame_seconds=scan.get("last_frame_seconds"),
    )


def copied_rendition(folder: Path) -> str | None:
    """The name of the rendition whose frames are the source's own, in the artifact of `hls`; None when there is none.

    The receipt of the part `copy` (or `copy-long`), which every `artifact.json` contains, has the places of its key frames.
    """
    receipts = json.loads((folder / "artifact.json").read_bytes())["parts"]
    copies = [receipt["facts"] for receipt in receipts if receipt["part"] in ("copy", "copy-long")]
    return next((name for facts in copies for name in facts.get("iframes", ())), None)


@dataclass(frozen=True)
class TextTrack:
    """One subtitle track: a WebVTT file `src` of the artifact, its language (BCP 47) and its name in players."""

    src: str
    language: str
    label: str


def texts_json(texts: Iterable[TextTrack]) -> bytes:
    """The content of `texts.json`."""
    return files.json_bytes(typed_json.serialise(list(texts)))


def read_texts(folder: Path) -> list[TextTrack]:
    """The subtitle tracks of an artifact; none when it has no `texts.json`."""
    if not (folder / TEXTS).exists():
        return []
    return [typed_json.parse(TextTrack, value) for value in json.loads((folder / TEXTS).read_bytes())]
