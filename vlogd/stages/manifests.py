"""The stage `stream`: the master playlist with all subtitles, and the same as an MPEG-DASH manifest.

Until it is there viewers get the master playlist of `hls`, so nothing waits for it. When captions come, it is rebuilt,
which takes a moment. The WebVTT of a stream has X-TIMESTAMP-MAP, because the stream's times begin at ten seconds (Apple
5.2); the plain files at the stable names have none.
"""

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from vlogd.core.model import Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import webvtt
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
    """The subtitle tracks that were included, and the length of the longest other track."""

    texts: tuple[TextTrack, ...]
    seconds: float


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("stream", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> StreamFacts:
    ladder = _ladder(ws.inputs["hls"])
    seconds = max(sum(track.durations) / track.timescale for track in ladder)
    texts = _texts(ws.inputs)
    for number, (source, text) in enumerate(texts):
        track = _subtitle_track(number, text, seconds)
        ws.deliver_bytes(
            webvtt.with_timestamp_map(source.read_bytes(), OFFSET), f"{track.folder}/{track.segment(0)}"
        )
        target = hls_writer.target_seconds([track])  # subtitles may have their own (RFC 8216, 6.2.4)
        playlist = hls_writer.media_playlist(track, 1, target=target, complete=True)
        ws.deliver_bytes(playlist, f"{track.folder}/{MEDIA}")
    return StreamFacts(tuple(text for _, text in texts), seconds)


def _ladder(folder: Path) -> tuple[Track, ...]:
    """The video and audio tracks of the artifact of `hls`."""
    return tracks.from_json(json.loads((folder / STREAM).read_bytes()))


def _texts(inputs: Mapping[str, Path]) -> list[tuple[Path, TextTrack]]:
    """The available subtitles: file and description, the film's own ones first."""
    folders = [inputs[stage] for stage in ("subtitles", "captions") if stage in inputs]
    return [(folder / text.src, text) for folder in folders for text in artifacts.read_texts(folder)]


def _subtitle_track(number: int, text: TextTrack, seconds: float) -> Track:
    """A subtitle track of the stream: one segment as long as the film."""
    return Track(
        "subtitles",
        f"s{number}",
        _MILLISECONDS,
        (max(1, round(seconds * _MILLISECONDS)),),
        extension="vtt",
        group="subtitles",
        language=text.language or "und",
        name=text.label,
    )


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete:
        return View()
    ladder = _ladder(work.inputs["hls"])
    stream_facts = work.facts("stream", StreamFacts)
    subtitles = [
        _measured(_subtitle_track(number, text, stream_facts.seconds), work)
        for number, text in enumerate(stream_facts.texts)
    ]
    all_tracks = [
        *(track.below(f"{work.inputs['hls'].name}/") for track in ladder),
        *(track.below(f"{work.folder.name}/") for track in _with_distinct_names(subtitles)),
    ]
    names: dict[str, bytes | str] = {_MASTER: hls_writer.master_playlist(all_tracks)}
    if all(
        track.init for track in ladder
    ):  # DASH has no transport streams here: its players read fragmented MP4
        names[_MANIFEST] = dash_writer.manifest(all_tracks)
    return View(names=names, facts={"manifest": _MANIFEST} if _MANIFEST in names else {})


def _measured(track: Track, work: Work[NoSettings]) -> Track:
    """With the bit rate of its one segment."""
    size = work.receipts["stream"].files[f"{track.folder}/{track.segment(0)}"].size_bytes
    rate = round(size * 8 / track.seconds(0))
    return replace(track, rate=Rate(rate, rate))


def _with_distinct_names(subtitles: Sequence[Track]) -> list[Track]:
    """Renditions of a group need different names (RFC 8216, 4.3.4.1.1)."""
    named: list[Track] = []
    for track in subtitles:
        taken = {other.name for other in named}
        name = track.name if track.name not in taken else f"{track.name} ({track.folder})"
        named.append(replace(track, name=name))
    return named


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
"""It reads `stream.json` of `hls` and `texts.json` of the stages that make subtitles."""
