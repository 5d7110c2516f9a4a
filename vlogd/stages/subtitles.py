"""The file's own text subtitles (SubRip, ASS, mov_text, WebVTT) as WebVTT, one file for each track.

Subtitles that are pictures (DVD, Blu-ray, DVB) cannot be published as text; `video.json` says so. A track
that cannot be read is left out, with a note: it never holds back the video.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from vlogd.core.errors import ToolFailed
from vlogd.core.model import Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import ffmpeg, languages
from vlogd.media.ffprobe import SubtitleStream
from vlogd.media.streaming.tracks import TEXTS
from vlogd.stages import artifacts, facts
from vlogd.stages.artifacts import TextTrack
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MOST_TRACKS = 32
_SLOWEST_BYTES_A_SECOND = 10_000_000
"""Between two subtitles that lie far apart, ffmpeg reads the film without showing progress."""


@dataclass(frozen=True)
class SubtitlesFacts:
    """The published tracks, and how many could not be read or are pictures."""

    tracks: tuple[TextTrack, ...]
    unreadable: int
    pictures: int


def _tracks(ws: Workspace[NoSettings]) -> list[SubtitleStream]:
    probed = artifacts.read_probed(ws.inputs["probe"])
    return [track for track in probed.media.subtitles if track.text][:_MOST_TRACKS]


def _name(track: SubtitleStream) -> str:
    return f"subtitles-{track.index}.vtt"


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("read", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> SubtitlesFacts:
    texts: list[TextTrack] = []
    unreadable = 0
    for track in _tracks(ws):
        if _read(track, ws):
            texts.append(_described(track, texts))
        else:
            unreadable += 1
    ws.deliver_bytes(artifacts.texts_json(texts), TEXTS)
    pictures = sum(not track.text for track in artifacts.read_probed(ws.inputs["probe"]).media.subtitles)
    return SubtitlesFacts(tuple(texts), unreadable, pictures)


def _read(track: SubtitleStream, ws: Workspace[NoSettings]) -> bool:
    """Deliver one track; whether it has cues."""
    target = ws.scratch / _name(track)
    media = artifacts.read_probed(ws.inputs["probe"]).media
    source = ffmpeg.source(ws.film)[str(track.index)]
    options = {"c:s": "webvtt", "f": "webvtt", "fflags": "+bitexact", "map_metadata": -1,
               "output_ts_offset": f"{-media.start_seconds:.6f}"}  # fmt: skip
    patience = ws.limits.stall_seconds + media.size_bytes / _SLOWEST_BYTES_A_SECOND
    limits = replace(ws.limits, stall_seconds=patience)
    try:
        ffmpeg.run([ffmpeg.output(source, target, **options)], limits=limits, stop=ws.stop,
                   global_options=("-copyts",))  # fmt: skip
    except ToolFailed:
        return False
    if b"-->" not in target.read_bytes():
        return False
    ws.deliver(target, _name(track))
    return True


def _described(track: SubtitleStream, others: Sequence[TextTrack]) -> TextTrack:
    tag = languages.tag(track.language)
    label = track.title or (languages.name(tag) if tag != languages.UNKNOWN else "Subtitles")
    taken = {other.label for other in others}
    return TextTrack(_name(track), tag, label if label not in taken else f"{label} ({track.index})")


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete:
        return View()
    found = work.facts("read", SubtitlesFacts)
    notes = []
    if found.pictures:
        notes.append("Subtitles that are pictures cannot be shown as text and were left out.")
    if found.unreadable:
        notes.append("A subtitle track could not be read and was left out.")
    names: dict[str, bytes | str] = {track.src: track.src for track in found.tracks}
    return View(
        names=names, facts={"captions": [facts.to_json(track) for track in found.tracks], "notes": notes}
    )


STAGE = Stage(
    name="subtitles",
    version=1,
    needs=("source", "probe"),
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
)
