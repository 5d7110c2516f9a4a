"""What `meta.json` says of a file, and what it keeps to itself."""

import json

import pytest
from media_values import media

from vlogd.stages.metadata import metadata

PRIVATE = {
    "com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 15",
    "com.apple.quicktime.location.iso6709": "+48.1371+011.5754/", "location": "+48.1371+011.5754/", "location-eng": "Home",
    "comment": "for Ada only", "description": "the argument", "synopsis": "s3cret", "lyrics": "la la la", "encoder": "Lavf61",
    "encoded_by": "ada@example.org", "com.android.version": "15.0.1", "handler_name": "ada", "gps": "48.1371", "purl": "https://x/?key=1",
}  # fmt: skip
"""Tags as phones, cameras and programs write them."""


def test_what_a_phone_writes_down_stays_here() -> None:
    """Title and day are published; no place, device or note is, under whatever name, and no time of day."""
    dates = {
        "com.apple.quicktime.creationdate": "2026-05-01T23:30:00+0200",
        "creation_time": "2026-05-01T21:30:00Z",
    }
    content = metadata(media(tags={**PRIVATE, **dates, "title": "Day out"}, duration_seconds=1.23456))
    assert (content["title"], content["recorded_at"]) == ("Day out", "2026-05-01")
    assert content["tags"] == {"title": "Day out"}
    assert content["duration_seconds"] == 1.235
    assert content["video"]["width"] == 1920
    text = json.dumps(content)
    assert [value for value in (*PRIVATE.values(), "23:30", "21:30") if value in text] == []


def test_tags_that_somebody_publishes() -> None:
    """As configured, whatever the case; only these."""
    assert metadata(media(tags=PRIVATE), ["Location", "title"])["tags"] == {"location": "+48.1371+011.5754/"}


def test_a_file_that_says_nothing() -> None:
    """Null and empty lists, never a missing key."""
    content = metadata(media(video=None, audio=()))
    assert content["title"] is content["recorded_at"] is content["video"] is None
    assert (content["audio"], content["subtitles"], content["chapters"], content["tags"]) == ([], [], [], {})


@pytest.mark.parametrize(
    ("tags", "day"),
    [({"date": "1999"}, "1999"), ({"date": "1999-12"}, "1999-12"), ({"creation_time": "", "date": "2001-02-03 04:05"}, "2001-02-03"),
     ({"date": "19991231"}, None), ({"date": "yesterday"}, None)],
)  # fmt: skip
def test_when_it_was_recorded(tags: dict[str, str], day: str | None) -> None:
    """A day, a month or a year."""
    assert metadata(media(tags=tags))["recorded_at"] == day
