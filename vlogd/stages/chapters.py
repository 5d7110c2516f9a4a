"""The file's own chapters: `chapters.vtt` for `<track kind="chapters">`, `chapters.json` for players of HLS.

The JSON is the one that Apple's players read ("Providing JavaScript Object Notation (JSON) chapters").
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from vlogd.core import files
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import webvtt
from vlogd.media.ffprobe import Chapter
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_VTT, _JSON = "chapters.vtt", "chapters.json"
_MOST_CHAPTERS = 1000


@dataclass(frozen=True)
class ChaptersFacts:
    """How many chapters were written."""

    chapters: int


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("chapters", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> ChaptersFacts:
    media = artifacts.read_probed(ws.inputs["probe"]).media
    chapters = [one for one in media.chapters if one.end_seconds > one.start_seconds][:_MOST_CHAPTERS]
    if not chapters:
        return ChaptersFacts(0)
    titles = [one.title.strip() or f"Chapter {number}" for number, one in enumerate(chapters, 1)]
    ws.deliver_bytes(_as_vtt(chapters, titles, media.start_seconds), _VTT)
    ws.deliver_bytes(files.json_bytes(_as_json(chapters, titles, media.start_seconds)), _JSON)
    return ChaptersFacts(len(chapters))


def _as_vtt(chapters: Sequence[Chapter], titles: Sequence[str], zero_seconds: float) -> bytes:
    cues = [
        f"{webvtt.time(one.start_seconds - zero_seconds)} --> {webvtt.time(one.end_seconds - zero_seconds)}\n"
        f"{webvtt.escaped(' '.join(title.split()))}\n"
        for one, title in zip(chapters, titles, strict=True)
    ]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def _as_json(chapters: Sequence[Chapter], titles: Sequence[str], zero_seconds: float) -> list[Json]:
    return [
        {
            "chapter": number,
            "start-time": round(max(0.0, one.start_seconds - zero_seconds), 3),
            "duration": round(one.end_seconds - one.start_seconds, 3),
            "titles": [{"language": "und", "title": title}],
        }
        for number, (one, title) in enumerate(zip(chapters, titles, strict=True), 1)
    ]


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if not work.complete or not work.facts("chapters", ChaptersFacts).chapters:
        return View(facts={"chapters": None})
    return View(names={_VTT: _VTT, _JSON: _JSON}, facts={"chapters": _VTT})


STAGE = Stage(
    name="chapters", version=1, needs=("probe",), parts=_parts, run=_run, view=_view, essential=False
)
