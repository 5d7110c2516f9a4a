"""Chapters as WebVTT and as Apple's JSON."""

from media_values import media

from vlogd.media.ffprobe import Chapter
from vlogd.stages import chapters

FILM = media(
    start_seconds=10.0,
    chapters=(
        Chapter(10.0, 70.5, "The <first>\none"),
        Chapter(70.5, 70.5, "nothing"),
        Chapter(70.5, 100.0, "  "),
    ),
)


def test_times_are_those_of_the_published_stream_and_empty_ones_are_left_out() -> None:
    """Which begins at zero; a chapter without a title gets a number."""
    assert chapters.published(FILM) == [
        chapters.PublishedChapter("The <first>\none", 0.0, 60.5),
        chapters.PublishedChapter("Chapter 2", 60.5, 90.0),
    ]


def test_webvtt() -> None:
    """A title is one line, escaped."""
    assert chapters.as_vtt(chapters.published(FILM)).decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:01:00.500\nThe &lt;first&gt; one\n\n"
        "00:01:00.500 --> 00:01:30.000\nChapter 2\n"
    )


def test_json() -> None:
    """Apple's keys."""
    assert chapters.as_json(chapters.published(FILM))[1] == {
        "chapter": 2,
        "start-time": 60.5,
        "duration": 29.5,
        "titles": [{"language": "und", "title": "Chapter 2"}],
    }


def test_a_thousand_are_enough() -> None:
    """A hostile file may have millions."""
    many = media(chapters=tuple(Chapter(n, n + 1, "") for n in range(1500)))
    assert len(chapters.published(many)) == 1000
