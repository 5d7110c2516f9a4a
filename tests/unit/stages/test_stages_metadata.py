"""What `meta.json` says of a file."""

from media_values import media

from vlogd.stages.metadata import metadata


def test_what_a_phone_writes_down() -> None:
    """Apple's tags count before the plain ones."""
    tags = {
        "com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 15",
        "com.apple.quicktime.creationdate": "2026-05-01T12:00:00+0200", "creation_time": "2026-05-01T10:00:00Z",
        "com.apple.quicktime.location.iso6709": "+48.1+011.5/", "title": "Day out", "encoder": "",
    }  # fmt: skip
    said = metadata(media(tags=tags, duration_seconds=1.23456))
    assert said["device"] == "Apple iPhone 15"
    assert said["recorded_at"] == "2026-05-01T12:00:00+0200"
    assert said["location"] == "+48.1+011.5/"
    assert (said["title"], said["encoder"]) == ("Day out", None)
    assert said["duration_seconds"] == 1.235
    assert said["tags"] == tags
    assert said["video"]["width"] == 1920


def test_a_file_that_says_nothing() -> None:
    """Null and empty lists, never a missing key."""
    said = metadata(media(video=None, audio=()))
    assert said["device"] is said["title"] is said["video"] is None
    assert (said["audio"], said["subtitles"], said["chapters"], said["tags"]) == ([], [], [], {})


def test_a_model_without_a_make_is_a_device() -> None:
    """Plain tags, as cameras write them."""
    assert metadata(media(tags={"model": "X100"}))["device"] == "X100"
