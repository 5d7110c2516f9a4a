"""`video.json`: all that viewers' programs may rely on about one video. Its JSON Schema is docs/video.schema.json.

Keys that the stages contribute (`View.facts`) and that have no field here are kept as they are: a new stage needs no
change of this file to publish a fact. A key that others should rely on gets a field.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlogd.core import typed_json
from vlogd.core.documents import Document, DocumentFormat
from vlogd.core.model import Json
from vlogd.core.publication import Report, Status


@dataclass(frozen=True)
class CaptionsTrack:
    """WebVTT subtitles or captions. Paths are relative to the video's folder; `words` has a cue for each word."""

    src: str
    language: str | None
    label: str
    words: str | None = None


@dataclass(frozen=True)
class AudioTrack:
    """An audio track of the stream. `language` is a BCP 47 tag, "und" when it is unknown."""

    language: str | None
    name: str
    channels: int


@dataclass(frozen=True)
class Rendition:
    """A video rendition of the stream, the largest first. Width and height in pixels."""

    name: str
    width: int
    height: int
    codec: str


@dataclass(frozen=True)
class StageProgress:
    """How far one stage is, in percent."""

    status: str
    progress: int
    error: str | None


@dataclass(frozen=True)
class VideoDocument:
    """The content of `video.json`.

    Paths are relative to the video's folder. `progress` is in percent, `added_at` and `ready_at` are UTC in ISO 8601.
    `files` are the video's stable names; everything else in its folder may change its name.
    """

    id: str
    slug: str
    title: str
    status: Status
    progress: int
    playable: bool
    added_at: str
    duration_seconds: float | None = None
    width: int | None = None
    height: int | None = None
    audio_only: bool = False
    stream: str | None = None
    manifest: str | None = None
    poster: str | None = None
    chapters: str | None = None
    captions: tuple[CaptionsTrack, ...] = ()
    audio: tuple[AudioTrack, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    stages: Mapping[str, StageProgress] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    ready_at: str | None = None


VIDEO_FORMAT = DocumentFormat.of("a video's description", VideoDocument)


_REPORTED = frozenset(
    ("id", "slug", "title", "status", "progress", "notes", "error", "stages", "files", "added_at", "ready_at")
)
"""The keys that come from the report; all others are facts of the stages' views."""


def build(report: Report, facts: Mapping[str, Json], names: Sequence[str]) -> Document[VideoDocument]:
    """The document of one publishing: `facts` are those of the stages' views, `names` the stable names.

    Raises ValueError when a stage contributes a value of a wrong type.
    """
    content: dict[str, Any] = {**facts}
    content |= {
        "id": report.id,
        "slug": report.slug,
        "title": report.title,
        "status": report.status,
        "progress": int(report.progress),
        "playable": report.playable,
        "notes": list(report.notes),
        "error": report.error,
        "stages": {
            name: {"status": stage.status, "progress": int(stage.progress), "error": stage.error}
            for name, stage in report.stages.items()
        },
        "files": sorted(names),
        "added_at": _iso(report.added_at),
        "ready_at": _iso(report.ready_at) if report.ready_at is not None else None,
    }
    document = typed_json.parse(VideoDocument, content)
    fields = typed_json.serialise(document)
    return Document(document, {key: value for key, value in facts.items() if key not in fields})


def facts_of(document: Document[VideoDocument]) -> dict[str, Json]:
    """What the stages contributed to a document, as their views have it."""
    content = {**document.unknown, **typed_json.serialise(document.value)}
    return {key: value for key, value in content.items() if key not in _REPORTED}


def _iso(epoch_seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(int(epoch_seconds), dt.UTC)
    return moment.isoformat().replace("+00:00", "Z")
