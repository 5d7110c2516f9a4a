"""The stage `meta`: meta.json, what the file says of itself, for people and scripts.

Files also say where they were recorded, with which device, and what somebody noted for themselves. So only listed tags
are published (`stages.meta.tags`).

Keys: `title`, `recorded_at` (a day, a month or a year), `container`, `duration_seconds`, `size_bytes`, `video`, `audio`,
`subtitles`, `chapters`, `tags` (those of the container that are listed, names in lower case). What the file lacks is null or
empty.
"""

import re
from collections.abc import Collection, Sequence, Set
from dataclasses import asdict

from vlogd.core import files
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import settings
from vlogd.media.ffprobe import Media
from vlogd.stages import artifacts
from vlogd.stages.contract import Stage, Work
from vlogd.stages.facts import NoFacts
from vlogd.stages.workspace import Workspace

_NAME = "meta.json"
_APPLE_DATE = "com.apple.quicktime.creationdate"
"""Of an iPhone's film, in local time (QuickTime File Format, "Metadata")."""

_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?(?![0-9])")
"""How a date in ISO 8601 begins. The time of day would tell more than when a film was made."""

_PUBLIC_TAGS = ("title", "artist", "album", "album_artist", "composer", "genre", "language", "copyright",
                "show", "season_number", "episode_id", "episode_sort", "track", "disc")  # fmt: skip
"""What players show of a film or a song (ffmpeg's names, libavformat/avformat.h); no notes, devices or places."""


@settings
class MetaSettings:
    """`tags`: the names of the container's tags that are published, as ffprobe prints them."""

    tags: tuple[str, ...] = _PUBLIC_TAGS


def _parts(_work: Work[MetaSettings]) -> Sequence[Part]:
    return (Part("meta", order=1),)


def _run(_part: Part, ws: Workspace[MetaSettings]) -> NoFacts:
    content = metadata(artifacts.read_probed(ws.inputs["probe"]).media, ws.settings.tags)
    ws.deliver_bytes(files.json_bytes(content), _NAME)
    return NoFacts()


def metadata(media: Media, public_tags: Collection[str] = _PUBLIC_TAGS) -> dict[str, Json]:
    """The content of `meta.json`."""
    public = {name.lower() for name in public_tags}
    dates = [_DAY.match(media.tags.get(name, "")) for name in (_APPLE_DATE, "creation_time", "date")]
    return {
        "title": media.tags.get("title") or None,
        "recorded_at": next((day[0] for day in dates if day is not None), None),
        "container": media.format,
        "duration_seconds": round(media.duration_seconds, 3),
        "size_bytes": media.size_bytes,
        "video": asdict(media.video) if media.video else None,
        "audio": [asdict(track) for track in media.audio],
        "subtitles": [asdict(track) for track in media.subtitles],
        "chapters": [asdict(chapter) for chapter in media.chapters],
        "tags": {name: value for name, value in media.tags.items() if name in public},
    }


def _view(work: Work[MetaSettings], _have: Set[str]) -> View:
    return View(names={_NAME: _NAME}) if work.complete else View()


STAGE = Stage(
    name="meta",
    version=2,
    needs=("probe",),
    settings=MetaSettings,
    parts=_parts,
    run=_run,
    view=_view,
    essential=False,
    public_since=2,  # version 1 published every tag
)
