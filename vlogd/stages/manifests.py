"""Brings together what is played: the master playlist with all subtitles, and the same as MPEG-DASH.

The ladder's own master playlist leads viewers until this is there, so nothing waits for it. When captions
come, or subtitles were found, this is made anew, in a moment. WebVTT of a stream carries X-TIMESTAMP-MAP,
because the stream's times begin at ten seconds [5.2]; the plain files at the stable names do not.
"""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from vlogd.core.model import Part, View
from vlogd.core.settings import NoSettings
from vlogd.media.streaming import dash_writer, hls_writer, tracks
from vlogd.media.streaming.tracks import MEDIA, OFFSET, STREAM, Rate, Track
from vlogd.stages import artifacts
from vlogd.stages.artifacts import TextTrack
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MASTER, _MANIFEST = "master.m3u8", "manifest.mpd"
_MILLISECONDS = 1000


@dataclass(frozen=True)
class StreamFacts:
    """The subtitle tracks that were taken up, and the length of the longest other track."""

    texts: tuple[TextTrack, ...]
    seconds: float


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("stream", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> StreamFacts:
    ladder = _ladder(ws.inputs["hls"])
    length = max(sum(track.durations) / track.timescale for track in ladder)
    texts = _texts(ws.inputs)
    for number, (source, text) in enumerate(texts):
        track = _text_track(number, text, length)
        data = _mapped(source.read_bytes())
        ws.deliver_bytes(data, f"{track.folder}/{track.segment(0)}")
        ws.deliver_bytes(hls_writer.media_playlist(track, 1, complete=True), f"{track.folder}/{MEDIA}")
    return StreamFacts(tuple(text for _, text in texts), length)


def _ladder(folder: Path) -> tuple[Track, ...]:
    return tracks.from_json(json.loads((folder / STREAM).read_bytes()))


def _texts(inputs: Mapping[str, Path]) -> list[tuple[Path, TextTrack]]:
    """The subtitles that there are: file and description, the file's own ones first."""
    folders = [inputs[stage] for stage in ("subtitles", "captions") if stage in inputs]
    return [(folder / text.src, text) for folder in folders for text in artifacts.read_texts(folder)]


def _text_track(number: int, text: TextTrack, seconds: float) -> Track:
    return Track("subtitles", f"s{number}", _MILLISECONDS, (max(1, round(seconds * _MILLISECONDS)),), extension="vtt",
                 group="subtitles", language=text.language or "und", name=text.label)  # fmt: skip


def _mapped(vtt: bytes) -> bytes:
    """WebVTT whose zero is the stream's first moment."""
    head, _, rest = vtt.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    return head.rstrip() + f"\nX-TIMESTAMP-MAP=MPEGTS:{OFFSET},LOCAL:00:00:00.000\n".encode() + rest


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete:
        return View()
    ladder = _ladder(work.inputs["hls"])
    facts = work.facts("stream", StreamFacts)
    texts = [
        _measured(_text_track(number, text, facts.seconds), work) for number, text in enumerate(facts.texts)
    ]
    everything = [
        *(track.below(f"{work.inputs['hls'].name}/") for track in ladder),
        *(track.below(f"{work.folder.name}/") for track in _distinct(texts)),
    ]
    names: dict[str, bytes | str] = {_MASTER: hls_writer.master_playlist(everything)}
    if all(track.init for track in ladder):
        names[_MANIFEST] = dash_writer.manifest(everything)
    return View(names=names, facts={"manifest": _MANIFEST} if _MANIFEST in names else {})


def _measured(track: Track, work: Work[NoSettings]) -> Track:
    size = work.receipts["stream"].files[f"{track.folder}/{track.segment(0)}"].size_bytes
    rate = round(size * 8 / track.seconds(0))
    return replace(track, rate=Rate(rate, rate))


def _distinct(texts: Sequence[Track]) -> list[Track]:
    """Renditions of a group need different names (RFC 8216, 4.3.4.1.1)."""
    found: list[Track] = []
    for track in texts:
        taken = {one.name for one in found}
        found.append(
            track if track.name not in taken else replace(track, name=f"{track.name} ({track.folder})")
        )
    return found


STAGE = Stage(
    name="stream",
    version=1,
    needs=("hls",),
    uses=("subtitles", "captions"),
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
)
"""It reads `stream.json` of the ladder and `texts.json` of the stages that make subtitles."""
