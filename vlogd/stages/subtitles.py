"""The file's own text subtitles (SubRip, ASS, mov_text, WebVTT) as WebVTT, one file for each track.

Image-based subtitles (DVD, Blu-ray, DVB) cannot be published as text; `video.json` says so. A track that cannot be
read is left out, with a note: it never delays the video.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from vlogd.core import typed_json
from vlogd.core.errors import ToolFailed
from vlogd.core.model import Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import ffmpeg, languages, webvtt
from vlogd.media.ffprobe import Media, SubtitleStream
from vlogd.media.streaming.tracks import TEXTS
from vlogd.stages import artifacts
from vlogd.stages.artifacts import TextTrack
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_MOST_TRACKS = 32
"""As many as a DVD or Blu-ray disc can have (DVD-Video: 32 subpicture streams, BD: 32 PG streams)."""

_SLOWEST_READ_BYTES_PER_SECOND = 10_000_000
"""Between two subtitles that are far apart ffmpeg reads the film without showing progress; a slow NAS does 10 MB/s."""

_CUE_ARROW = b"-->"


@dataclass(frozen=True)
class SubtitlesFacts:
    """The published tracks; how many could not be read; and how many are image-based (`pictures`, a stored name)."""

    tracks: tuple[TextTrack, ...]
    unreadable: int
    pictures: int


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("read", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> SubtitlesFacts:
    media = artifacts.read_probed(ws.inputs["probe"]).media
    texts: list[TextTrack] = []
    unreadable = 0
    for stream in [stream for stream in media.subtitles if stream.text][:_MOST_TRACKS]:
        if _deliver(stream, media, ws):
            texts.append(_text_track(stream, texts))
        else:
            unreadable += 1
    ws.deliver_bytes(artifacts.texts_json(texts), TEXTS)
    images = sum(not stream.text for stream in media.subtitles if stream.codec)
    unreadable += sum(not stream.codec for stream in media.subtitles)
    return SubtitlesFacts(tuple(texts), unreadable, images)


def _file_name(stream: SubtitleStream) -> str:
    return f"subtitles-{stream.index}.vtt"


def _deliver(stream: SubtitleStream, media: Media, ws: Workspace[NoSettings]) -> bool:
    """Deliver one track; False when it cannot be read or has no cues."""
    target = ws.scratch / _file_name(stream)
    source = ffmpeg.source(ws.film)[str(stream.index)]
    options = {
        "c:s": "webvtt",
        "f": "webvtt",
        # No muxer version, and nothing of the source's metadata.
        "fflags": "+bitexact",
        "map_metadata": -1,
        # Times from the published stream's zero on; copyts below keeps ffmpeg from choosing a zero of its own.
        "output_ts_offset": f"{-media.start_seconds:.6f}",
        # Cues may begin before the film; by default the muxer would move all of them then.
        "avoid_negative_ts": "disabled",
    }
    silence = media.size_bytes / _SLOWEST_READ_BYTES_PER_SECOND
    limits = replace(ws.limits, stall_seconds=ws.limits.stall_seconds + silence)
    try:
        ffmpeg.run([ffmpeg.output(source, target, **options)], limits=limits, stop=ws.stop,
                   global_options=("-copyts",))  # fmt: skip
    except ToolFailed:
        return False
    cues = webvtt.from_zero(target.read_bytes())
    if _CUE_ARROW not in cues:
        return False
    ws.deliver_bytes(cues, _file_name(stream))
    return True


def _text_track(stream: SubtitleStream, others: Sequence[TextTrack]) -> TextTrack:
    """How players name a track: by its title, else its language; a duplicate name gets the stream's index."""
    tag = languages.tag(stream.language)
    label = stream.title or (languages.name(tag) if tag != languages.UNKNOWN else "Subtitles")
    if label in {other.label for other in others}:
        label = f"{label} ({stream.index})"
    return TextTrack(_file_name(stream), tag, label)


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete:
        return View()
    result = work.facts("read", SubtitlesFacts)
    notes = []
    if result.pictures:
        notes.append("Subtitles that are images cannot be published as text and were left out.")
    if result.unreadable:
        notes.append("A subtitle track could not be read and was left out.")
    names: dict[str, bytes | str] = {track.src: track.src for track in result.tracks}
    return View(names=names, facts={"captions": typed_json.serialise(list(result.tracks)), "notes": notes})


STAGE = Stage(
    name="subtitles",
    version=1,
    needs=("source", "probe"),
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
)
