"""The file's own text subtitles (SubRip, ASS, mov_text, WebVTT) as WebVTT, one file for each track.

Subtitles that are pictures (DVD, Blu-ray, DVB) cannot be published as text; `video.json` says so. A track
that cannot be read is left out, with a note: it never holds back the video.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from vlogd.core import files
from vlogd.core.errors import ToolFailed
from vlogd.core.model import Json, Part, View
from vlogd.media import ffmpeg, languages
from vlogd.media.ffprobe import SubtitleStream
from vlogd.media.streaming.tracks import TEXTS
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MOST_TRACKS = 32
_SLOWEST_BYTES_A_SECOND = 10_000_000
"""Between two subtitles that lie far apart, ffmpeg reads the film without showing progress."""


def _tracks(ws: Workspace) -> list[SubtitleStream]:
    probed = artifacts.read_probed(ws.inputs["probe"])
    return [track for track in probed.media.subtitles if track.text][:_MOST_TRACKS]


def _name(track: SubtitleStream) -> str:
    return f"subtitles-{track.index}.vtt"


def _parts(_work: Work) -> Sequence[Part]:
    return (Part("read", order=1),)


def _run(_part: Part, ws: Workspace) -> Mapping[str, Json]:
    told: list[Json] = []
    unreadable = 0
    for track in _tracks(ws):
        if _read(track, ws):
            told.append(_about(track, told))
        else:
            unreadable += 1
    ws.deliver_bytes(files.json_bytes(told), TEXTS)
    pictures = sum(not track.text for track in artifacts.read_probed(ws.inputs["probe"]).media.subtitles)
    return {"tracks": told, "unreadable": unreadable, "pictures": pictures}


def _read(track: SubtitleStream, ws: Workspace) -> bool:
    """Deliver one track; whether it has cues."""
    target = ws.scratch / _name(track)
    media = artifacts.read_probed(ws.inputs["probe"]).media
    source = ffmpeg.source(ws.original)[str(track.index)]
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


def _about(track: SubtitleStream, others: Sequence[Json]) -> Json:
    tag = languages.tag(track.language)
    label = track.title or (languages.name(tag) if tag != languages.UNKNOWN else "Subtitles")
    taken = {one["label"] for one in others}
    return {
        "src": _name(track),
        "language": tag,
        "label": label if label not in taken else f"{label} ({track.index})",
    }


def _view(work: Work, _have: Set[str]) -> View:
    if not work.complete:
        return View()
    facts = work.receipts["read"].facts
    notes = []
    if facts["pictures"]:
        notes.append("Subtitles that are pictures cannot be shown as text and were left out.")
    if facts["unreadable"]:
        notes.append("A subtitle track could not be read and was left out.")
    names: dict[str, bytes | str] = {track["src"]: track["src"] for track in facts["tracks"]}
    return View(names=names, facts={"captions": list(facts["tracks"]), "notes": notes})


STAGE = Stage(
    name="subtitles", version=1, needs=("probe",), parts=_parts, run=_run, view=_view, essential=False
)
