"""The file's own chapters: `chapters.vtt` for `<track kind="chapters">`, `chapters.json` for players of HLS.

The JSON is the one that Apple's players read ("Providing JavaScript Object Notation (JSON) chapters").
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from vlogd.core import files
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import webvtt
from vlogd.media.ffprobe import Media
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_VTT, _JSON = "chapters.vtt", "chapters.json"

_MOST_CHAPTERS = 1000
"""Ten times what a disc may have (DVD-Video: 99). A longer menu is useless, and a hostile file may have millions."""


@dataclass(frozen=True)
class ChaptersFacts:
    """How many chapters were written."""

    chapters: int


@dataclass(frozen=True)
class PublishedChapter:
    """A chapter in seconds of the published stream, with a title."""

    title: str
    start_seconds: float
    end_seconds: float


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("chapters", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> ChaptersFacts:
    chapters = published(artifacts.read_probed(ws.inputs["probe"]).media)
    if chapters:
        ws.deliver_bytes(as_vtt(chapters), _VTT)
        ws.deliver_bytes(files.json_bytes(as_json(chapters)), _JSON)
    return ChaptersFacts(len(chapters))


def published(media: Media) -> list[PublishedChapter]:
    """The chapters of a positive length; those without a title are numbered."""
    chapters = [chapter for chapter in media.chapters if chapter.end_seconds > chapter.start_seconds]
    return [
        PublishedChapter(
            title=chapter.title.strip() or f"Chapter {number}",
            start_seconds=chapter.start_seconds - media.start_seconds,
            end_seconds=chapter.end_seconds - media.start_seconds,
        )
        for number, chapter in enumerate(chapters[:_MOST_CHAPTERS], 1)
    ]


def as_vtt(chapters: Sequence[PublishedChapter]) -> bytes:
    """A WebVTT file with a cue for each chapter; a title is one line."""
    cues = [
        f"{webvtt.time(chapter.start_seconds)} --> {webvtt.time(chapter.end_seconds)}\n"
        f"{webvtt.escaped(' '.join(chapter.title.split()))}\n"
        for chapter in chapters
    ]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def as_json(chapters: Sequence[PublishedChapter]) -> list[Json]:
    """Apple's list of chapters; times in seconds."""
    return [
        {
            "chapter": number,
            "start-time": round(max(0.0, chapter.start_seconds), 3),
            "duration": round(chapter.end_seconds - chapter.start_seconds, 3),
            "titles": [{"language": "und", "title": chapter.title}],
        }
        for number, chapter in enumerate(chapters, 1)
    ]


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete or not work.facts("chapters", ChaptersFacts).chapters:
        return View(facts={"chapters": None})
    return View(names={_VTT: _VTT, _JSON: _JSON}, facts={"chapters": _VTT})


STAGE = Stage(
    name="chapters", version=1, needs=("probe",), parts=_parts, run=_run, view=_view, essential=False
)
