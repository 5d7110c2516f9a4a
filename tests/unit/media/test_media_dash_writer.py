"""The DASH manifest names the same segments as the playlists."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st
from test_media_hls_writer import AUDIO, HEVC, SMALL, TEXT, VIDEO

from vlogd.media.streaming import dash_writer

NAMESPACE = {"": "urn:mpeg:dash:schema:mpd:2011"}


def parsed(*tracks: object) -> ET.Element:
    """The manifest of these tracks as a tree."""
    return ET.fromstring(dash_writer.manifest(tracks))  # type: ignore[arg-type]  # noqa: S314 - our own bytes


def test_tracks_that_a_player_may_switch_between_are_one_set() -> None:
    """Those of one codec; each audio track and each subtitle track is a set of its own."""
    mpd = parsed(VIDEO, SMALL, HEVC, AUDIO, TEXT)
    sets = mpd.findall("Period/AdaptationSet", NAMESPACE)
    assert [[found.get("id") for found in one.findall("Representation", NAMESPACE)] for one in sets] == [
        ["v720", "v360"], ["v720-hevc"], ["a0"], ["s0"],
    ]  # fmt: skip
    assert [one.get("lang") for one in sets] == [None, None, "en", "de"]
    assert (mpd.get("type"), mpd.get("mediaPresentationDuration")) == ("static", "PT15.000S")


def test_a_timeline_adds_up_to_the_track() -> None:
    """From the ten seconds on that all published times begin with."""
    template = parsed(replace(VIDEO, base="hls-1/"), AUDIO).find(
        "Period/AdaptationSet/Representation/SegmentTemplate", NAMESPACE
    )
    assert template is not None
    assert template.get("media") == "hls-1/v720/$Number%05d$.m4s"
    assert template.get("presentationTimeOffset") == "900000"
    rows = template.findall("SegmentTimeline/S", NAMESPACE)
    assert rows[0].get("t") == "900000"
    assert sum(int(row.get("d", 0)) * (int(row.get("r", 0)) + 1) for row in rows) == sum(VIDEO.durations)


def test_names_are_text_never_markup() -> None:
    """A title from a file cannot add elements."""
    mpd = parsed(VIDEO, replace(AUDIO, name="<b>&\"'"))
    assert [label.text for label in mpd.iter(f"{{{NAMESPACE['']}}}Label")] == ["<b>&\"'"]


@given(st.text(st.characters()))
@example("\x00\x0b\ufffe\uffff\ud800]]>")
def test_any_name_makes_a_manifest_that_can_be_read(name: str) -> None:
    """XML has no way at all to write some characters; the printable ones are as they were."""
    mpd = parsed(VIDEO, replace(AUDIO, name=name, language=name), replace(TEXT, name=name))
    (audio, text) = mpd.iter(f"{{{NAMESPACE['']}}}Label")
    assert (audio.text or "") == (text.text or "") == "".join(filter(str.isprintable, name))
    assert len(list(mpd.iter())) == len(list(parsed(VIDEO, AUDIO, TEXT).iter()))
