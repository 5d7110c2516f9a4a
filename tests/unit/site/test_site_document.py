"""`video.json`: what is written, that its schema says so, and what earlier versions wrote."""

import json
import runpy
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from vlogd.core.publication import Report, StageReport
from vlogd.site import document
from vlogd.site.document import VIDEO_FORMAT, CaptionsTrack, Rendition

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs/video.schema.json"

FACTS: dict[str, Any] = {
    "duration_seconds": 7,
    "width": 160,
    "height": 90,
    "stream": "master.m3u8",
    "renditions": [{"name": "v90", "width": 160, "height": 90, "codec": "h264"}],
    "audio": [{"language": "und", "name": "Track 1", "channels": 2}],
    "captions": [{"src": "s0.vtt", "language": None, "label": "Track 1"}],
    "captions_note": "No speech was found.",
}
"""As the stages contribute them."""


def report(**changes: Any) -> Report:
    """A ready video."""
    values: dict[str, Any] = {
        "id": "1", "slug": "film-1", "title": "Film", "status": "ready", "progress": 100.0, "playable": True,
        "duration_seconds": 7.0, "error": None, "notes": ("A note.",), "added_at": 1.5e9, "ready_at": 1.5e9 + 60,
        "stages": {"hls": StageReport("ready", 100.0, None, essential=True)},
    }  # fmt: skip
    return Report(**values | changes)


def validate(content: Any) -> None:
    """Raise jsonschema.ValidationError unless it is a `video.json`."""
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


def test_facts_become_typed_fields_and_others_are_kept() -> None:
    """A stage may publish a fact that has no field; it is a key of the document all the same."""
    built = document.build(report(), FACTS, ["words.vtt", "master.m3u8"])
    assert built.value.captions == (CaptionsTrack("s0.vtt", None, "Track 1"),)
    assert built.value.renditions == (Rendition("v90", 160, 90, "h264"),)
    assert built.value.files == ("master.m3u8", "words.vtt")
    assert (built.value.added_at, built.value.ready_at) == ("2017-07-14T02:40:00Z", "2017-07-14T02:41:00Z")
    assert built.unknown == {"captions_note": "No speech was found."}
    content = json.loads(VIDEO_FORMAT.encode(built.value, built.unknown))
    assert content["format"] == 1
    assert content["captions_note"] == "No speech was found."
    validate(content)


def test_the_report_counts_where_a_stage_claims_its_keys() -> None:
    """No stage can call a video ready, or name files that are not there."""
    built = document.build(
        report(status="failed", error="It is broken."), {"status": "ready", "files": ["x"]}, []
    )
    assert (built.value.status, built.value.error, built.value.files) == ("failed", "It is broken.", ())


def test_a_fact_of_a_wrong_type_is_refused_with_its_key() -> None:
    """It would break the programs that read the document."""
    with pytest.raises(ValueError, match=r"`renditions\.0\.width` is not a whole number"):
        document.build(
            report(), FACTS | {"renditions": [{"name": "v", "width": "160", "height": 90, "codec": "h"}]}, []
        )


def test_the_schema_is_that_of_the_class() -> None:
    """`scripts/video-schema` writes it anew."""
    script = runpy.run_path(str(ROOT / "scripts/video-schema"))
    assert SCHEMA.read_text() == script["schema"]()


@pytest.mark.parametrize("key", ["id", "stages", "files", "format"])
def test_the_schema_refuses_what_lacks_a_key(key: str) -> None:
    """And accepts the document that has it."""
    content = json.loads(VIDEO_FORMAT.encode(document.build(report(), FACTS, []).value))
    validate(content)
    del content[key]
    with pytest.raises(jsonschema.ValidationError):
        validate(content)


def test_a_document_of_the_first_version_is_read() -> None:
    """It has no format number."""
    with tarfile.open(ROOT / "tests/data/home-0.1.0.tar.xz") as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("/video.json")]
        file = archive.extractfile(name)
        assert file is not None
        read = VIDEO_FORMAT.decode(file.read(), Path(name))
    assert read.value.title == "A clip of old"
    assert read.value.captions[0].words == "words.vtt"
    validate({"format": 1, **json.loads(VIDEO_FORMAT.encode(read.value))})
