"""Which audio renditions are published."""

from media_values import audio, media

from vlogd.stages.hls.audio_tracks import audio_renditions
from vlogd.stages.hls.ladder import HlsSettings

CONFIG = HlsSettings()


def test_the_default_track_comes_first_and_names_are_unique() -> None:
    """Titles, then languages, then numbers; what cannot be decoded is left out."""
    tracks = (
        audio(index=1, language="deu"), audio(index=2, language="eng", default=True), audio(index=3, title="Deutsch"),
        audio(index=4, language="deu"), audio(index=5), audio(index=6, codec=""), audio(index=7, channels=0),
    )  # fmt: skip
    made = audio_renditions(media(audio=tracks), CONFIG)
    assert [(rendition.stream.index, rendition.language, rendition.name) for rendition in made] == [
        (2, "en", "English"), (1, "de", "Deutsch"), (3, "und", "Deutsch (3)"), (4, "de", "Deutsch (4)"), (5, "und", "Track 5"),
    ]  # fmt: skip
    assert [rendition.default for rendition in made] == [True, False, False, False, False]
    assert [rendition.part for rendition in made] == [f"audio-{number}" for number in range(5)]


def test_surround_is_a_rendition_more_in_a_group_of_its_own() -> None:
    """Only where it is configured and the track has it; the first one is the group's default."""
    tracks = (audio(index=1), audio(index=2, channels=6), audio(index=3, channels=8))
    made = audio_renditions(media(audio=tracks), HlsSettings(surround_kbps=384))
    assert [(rendition.folder, rendition.group, rendition.channels, rendition.default) for rendition in made] == [
        ("a0", "stereo", 2, True), ("a1", "stereo", 2, False), ("a1-surround", "surround", 6, True),
        ("a2", "stereo", 2, False), ("a2-surround", "surround", 6, False),
    ]  # fmt: skip
    assert all(rendition.group == "stereo" for rendition in audio_renditions(media(audio=tracks), CONFIG))


def test_at_most_eight_tracks_are_published() -> None:
    """Each costs a pass over the file."""
    tracks = tuple(audio(index=index) for index in range(12))
    assert len(audio_renditions(media(audio=tracks), CONFIG)) == 8


def test_a_silent_file_has_none() -> None:
    """No rendition of nothing."""
    assert audio_renditions(media(audio=()), CONFIG) == ()
