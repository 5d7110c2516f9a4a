"""HLS playlists, line by line, and read back by the reader that anybody's playlists pass."""

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from vlogd.media.streaming import hls_reader, hls_writer
from vlogd.media.streaming.tracks import Rate, Track

VIDEO = Track(
    "video", "v720", 90_000, (540_000, 540_000, 270_000), codec="avc1.64001f", rate=Rate(3_000_000, 2_500_000),
    width=1280, height=720, frame_rate=25.0,
)  # fmt: skip
SMALL = replace(VIDEO, folder="v360", rate=Rate(900_000, 800_000), width=640, height=360, codec="avc1.64001e")
HEVC = replace(VIDEO, folder="v720-hevc", codec="hvc1.1.6.L93.90", rate=Rate(2_100_000, 2_000_000))
AUDIO = Track(
    "audio", "a0", 48_000, (288_000, 288_000, 144_000), codec="mp4a.40.2", rate=Rate(130_000, 128_000),
    group="stereo", language="en", name="English", default=True, channels=2,
)  # fmt: skip
SURROUND = replace(AUDIO, folder="a0-51", group="surround", channels=6, rate=Rate(400_000, 384_000))
TEXT = Track(
    "subtitles", "s0", 1000, (15_000,), extension="vtt", group="subtitles", language="de", name="Deutsch"
)


def lines(data: bytes) -> list[str]:
    """A playlist's lines; the last one is ended, too."""
    text = data.decode()
    assert text.startswith("#EXTM3U\n")
    assert text.endswith("\n")
    return text.splitlines()


def streams(data: bytes) -> list[tuple[str, str]]:
    """Attributes and address of each variant."""
    rows = lines(data)
    return [(row, rows[at + 1]) for at, row in enumerate(rows) if row.startswith("#EXT-X-STREAM-INF:")]


def test_a_growing_playlist_is_event_and_begins_at_its_start() -> None:
    """It names what is there, with the target duration of all that will be."""
    rows = lines(hls_writer.media_playlist(VIDEO, 1, target=6, complete=False))
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in rows
    assert "#EXT-X-START:TIME-OFFSET=0" in rows
    assert "#EXT-X-TARGETDURATION:6" in rows
    assert "#EXT-X-ENDLIST" not in rows
    assert [row for row in rows if not row.startswith("#")] == ["00000.m4s"]


def test_a_finished_playlist_is_vod() -> None:
    """All segments, each with its exact length, and the end."""
    rows = lines(hls_writer.media_playlist(VIDEO, 3, target=6, complete=True))
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in rows
    assert '#EXT-X-MAP:URI="init.mp4"' in rows
    assert rows[-3:] == ["#EXTINF:3.000000,", "00002.m4s", "#EXT-X-ENDLIST"]


def test_a_segment_without_frames_is_a_gap() -> None:
    """A player goes on behind it (RFC 8216bis, EXT-X-GAP)."""
    rows = lines(hls_writer.media_playlist(VIDEO, 3, target=6, complete=True, empty={1}))
    assert rows[rows.index("#EXT-X-GAP") : rows.index("#EXT-X-GAP") + 3] == [
        "#EXT-X-GAP", "#EXTINF:6.000000,", "00001.m4s",
    ]  # fmt: skip


def test_only_mp4_has_an_init_segment_and_only_subtitles_no_key_frames() -> None:
    """MPEG-TS carries its parameters in each segment; WebVTT decodes nothing."""
    assert (
        "EXT-X-MAP"
        not in hls_writer.media_playlist(replace(VIDEO, extension="ts"), 3, target=6, complete=True).decode()
    )
    assert "INDEPENDENT" not in hls_writer.media_playlist(TEXT, 1, target=6, complete=True).decode()


@given(st.lists(st.integers(1, 20 * 90_000), min_size=1, max_size=20))
def test_no_rounded_segment_exceeds_the_target(durations: list[int]) -> None:
    """RFC 8216, 4.3.3.1; and the target is no larger than it must be."""
    track = replace(VIDEO, durations=tuple(durations))
    target = hls_writer.target_seconds([track])
    longest = max(int(ticks / 90_000 + 0.5) for ticks in durations)
    assert target == max(1, longest)


def test_the_variant_nearest_to_2000_kbit_comes_first() -> None:
    """Of the H.264 ones, because everything plays them (Apple 1.12, 1.32)."""
    written = hls_writer.master_playlist([VIDEO, SMALL, HEVC, AUDIO])
    assert [uri for _, uri in streams(written)] == [
        "v720/index.m3u8", "v360/index.m3u8", "v720-hevc/index.m3u8",
    ]  # fmt: skip


def test_bandwidth_is_that_of_the_worst_combination() -> None:
    """Video with the largest audio track of the group, in each group."""
    variants = streams(
        hls_writer.master_playlist([VIDEO, AUDIO, replace(AUDIO, folder="a1", rate=Rate(500, 400)), SURROUND])
    )
    assert [re.findall(r"BANDWIDTH=(\d+)", row) for row, _ in variants] == [
        ["3130000", "2628000"], ["3400000", "2884000"],
    ]  # fmt: skip
    assert ['AUDIO="stereo"' in row for row, _ in variants] == [True, False]
    assert 'CODECS="avc1.64001f,mp4a.40.2"' in variants[0][0]


def test_audio_alone() -> None:
    """One track is the stream itself; of several each is a rendition, and the default one plays."""
    (row, uri), *others = streams(hls_writer.master_playlist([AUDIO]))
    assert (uri, others) == ("a0/index.m3u8", [])
    assert "AUDIO=" not in row
    second = replace(AUDIO, folder="a1", language="de", name="Deutsch", default=False)
    written = hls_writer.master_playlist([second, AUDIO])
    assert [uri for _, uri in streams(written)] == ["a0/index.m3u8"]
    assert written.decode().count("#EXT-X-MEDIA:TYPE=AUDIO") == 2


def test_names_cannot_leave_their_quotes() -> None:
    """A quoted-string holds neither quotes nor line ends (RFC 8216, 4.2)."""
    odd = replace(AUDIO, name='A"B\nC\r#EXT', language='e"n')
    written = hls_writer.master_playlist([VIDEO, odd]).decode()
    assert 'NAME="ABC#EXT"' in written
    assert 'LANGUAGE="en"' in written


def test_an_iframe_playlist() -> None:
    """Each key frame has its share of the segment, and where it lies; its rate counts frames, not segments."""
    track = replace(VIDEO, iframes=((24, 1000, 9000, 500), (24, 2000), (24, 100)))
    rows = lines(hls_writer.iframe_playlist(track))
    assert rows[rows.index("#EXT-X-I-FRAMES-ONLY") + 2 :][:6] == [
        "#EXTINF:3.000000,", "#EXT-X-BYTERANGE:1000@24", "00000.m4s",
        "#EXTINF:3.000000,", "#EXT-X-BYTERANGE:500@9000", "00000.m4s",
    ]  # fmt: skip
    assert hls_writer.iframe_rate(track) == Rate(round(16000 / 6), round(28800 / 15))
    assert "v720/iframes.m3u8" in hls_writer.master_playlist([track]).decode()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """By the reader of `vlogd verify`: the same tracks, rates and lengths."""
    (tmp_path / "master.m3u8").write_bytes(hls_writer.master_playlist([VIDEO, AUDIO, TEXT]))
    (tmp_path / "index.m3u8").write_bytes(hls_writer.media_playlist(VIDEO, 3, target=6, complete=True))
    master = hls_reader.master(tmp_path / "master.m3u8")
    (variant,) = master.variants
    assert (variant.bandwidth, variant.average) == (3_130_000, 2_628_000)
    assert (variant.resolution, variant.frame_rate) == ((1280, 720), 25.0)
    assert (variant.audio, variant.subtitles) == ("stereo", "subtitles")
    assert [(r.kind, r.language, r.name, r.default) for r in master.renditions] == [
        ("AUDIO", "en", "English", True), ("SUBTITLES", "de", "Deutsch", False),
    ]  # fmt: skip
    playlist = hls_reader.media(tmp_path / "index.m3u8", tmp_path)
    assert (playlist.target_seconds, playlist.ended, playlist.kind) == (6, True, "VOD")
    assert [segment.seconds for segment in playlist.segments] == [6.0, 6.0, 3.0]
    assert {segment.init for segment in playlist.segments} == {(tmp_path / "init.mp4").resolve()}


@given(st.text(st.characters()), st.text(st.characters()))
@example('x",URI="https://example.org/', "en\n#EXT-X-KEY:METHOD=AES-128")
def test_no_name_becomes_an_attribute_or_a_tag(name: str, language: str) -> None:
    """A track's title is the file's own: the master playlist has the same lines and attributes whatever it says."""
    plain, strange = (
        lines(
            hls_writer.master_playlist([VIDEO, replace(AUDIO, name=n, language=said), replace(TEXT, name=n)])
        )
        for n, said in (("", ""), (name, language))
    )
    assert [re.sub('"[^"]*"', "", line) for line in strange] == [
        re.sub('"[^"]*"', "", line) for line in plain
    ]
