"""The stage `meta`: meta.json, the file's own metadata, for people and scripts.

Keys: `title`, `recorded_at`, `device`, `location`, `encoder`, `container`, `duration_seconds`, `size_bytes`, `video`,
`audio`, `subtitles`, `chapters`, `tags` (all tags of the container, names in lower case). What the file lacks is
null or an empty list.
"""

from collections.abc import Sequence, Set
from dataclasses import asdict

from vlogd.core import files
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import NoSettings
from vlogd.media.ffprobe import Media
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.facts import NoFacts
from vlogd.stages.workspace import Workspace

_NAME = "meta.json"
_APPLE = "com.apple.quicktime."
"""What the names of an iPhone's tags begin with (QuickTime File Format, "Metadata")."""


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("meta", order=1),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> NoFacts:
    content = metadata(artifacts.read_probed(ws.inputs["probe"]).media)
    ws.deliver_bytes(files.json_bytes(content), _NAME)
    return NoFacts()


def metadata(media: Media) -> dict[str, Json]:
    """The content of `meta.json`."""

    def first(*names: str) -> str | None:
        return next((media.tags[name] for name in names if media.tags.get(name)), None)

    device = (first(f"{_APPLE}make", "make"), first(f"{_APPLE}model", "model"))
    return {
        "title": first("title"),
        "recorded_at": first(f"{_APPLE}creationdate", "creation_time", "date"),
        "device": " ".join(filter(None, device)) or None,
        "location": first(f"{_APPLE}location.iso6709", "location"),
        "encoder": first("encoder"),
        "container": media.format,
        "duration_seconds": round(media.duration_seconds, 3),
        "size_bytes": media.size_bytes,
        "video": asdict(media.video) if media.video else None,
        "audio": [asdict(track) for track in media.audio],
        "subtitles": [asdict(track) for track in media.subtitles],
        "chapters": [asdict(chapter) for chapter in media.chapters],
        "tags": dict(media.tags),
    }


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    return View(names={_NAME: _NAME}) if work.complete else View()


STAGE = Stage(name="meta", version=1, needs=("probe",), parts=_parts, run=_run, view=_view, essential=False)
