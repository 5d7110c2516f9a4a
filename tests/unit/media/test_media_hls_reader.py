"""Playlists that anybody may have written: read, or refused with a sentence."""

from pathlib import Path

import pytest

from vlogd.media.streaming import hls_reader
from vlogd.media.streaming.hls_reader import Unreadable

HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"


def media(folder: Path, text: str) -> hls_reader.MediaPlaylist:
    """A media playlist with this text behind its head."""
    path = folder / "index.m3u8"
    path.write_text(HEAD + text)
    return hls_reader.media(path, folder)


def test_byte_ranges_follow_one_another(tmp_path: Path) -> None:
    """Without an offset a range begins where the one before it in the same file ended (RFC 8216, 4.3.2.2)."""
    playlist = media(
        tmp_path,
        "#EXTINF:1,\n#EXT-X-BYTERANGE:100@50\na.mp4\n#EXTINF:1,\n#EXT-X-BYTERANGE:30\na.mp4\n"
        "#EXTINF:1,\n#EXT-X-BYTERANGE:7\nb.mp4\n#EXTINF:1,\nc.mp4\n",
    )
    assert [segment.span for segment in playlist.segments] == [(50, 100), (150, 30), (0, 7), None]


def test_gaps_and_keys(tmp_path: Path) -> None:
    """A gap has no file; METHOD=NONE is no encryption."""
    playlist = media(
        tmp_path, "#EXT-X-KEY:METHOD=NONE\n#EXT-X-GAP\n#EXTINF:1,\na.m4s\n#EXTINF:1,\nb%20c.m4s?x=1\n"
    )
    assert [segment.path for segment in playlist.segments] == [None, (tmp_path / "b c.m4s").resolve()]
    assert not playlist.encrypted
    assert media(tmp_path, '#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\na.ts\n').encrypted


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("http://127.0.0.1/a.m4s", "another server"),
        ("//host/a.m4s", "another server"),
        ("file:///etc/passwd", "another server"),
        ("../a.m4s", "outside"),
        ("/etc/passwd", "outside"),
        ("%2e%2e/a.m4s", "outside"),
        ("link/a.m4s", "outside"),
    ],
)
def test_only_files_below_the_folder_are_named(uri: str, sentence: str, tmp_path: Path) -> None:
    """Whatever way out an address tries."""
    folder = tmp_path / "stream"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(Unreadable, match=sentence):
        hls_reader.below(folder, folder, uri)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "does not begin"),
        (b"#EXT", "does not begin"),
        (b"#EXTM3U\n\xff\xfe", "cannot be read"),
        (b"#EXTM3U\n#EXTINF:abc,\na.m4s\n", "cannot be parsed"),
        (b"#EXTM3U\n" + b"\n" * 2_000_001, "more than 2000000 lines"),
    ],
)
def test_what_is_no_playlist(data: bytes, sentence: str, tmp_path: Path) -> None:
    """The sentence says why."""
    path = tmp_path / "a.m3u8"
    path.write_bytes(data)
    with pytest.raises(Unreadable, match=sentence):
        hls_reader.media(path, tmp_path)


def test_the_top_playlist_of_a_folder(tmp_path: Path) -> None:
    """A master playlist before any other, by its content; broken ones and folders are passed over."""
    with pytest.raises(Unreadable, match="no playlist"):
        hls_reader.top_playlist(tmp_path)
    (tmp_path / "a.m3u8").write_text(HEAD)
    assert hls_reader.top_playlist(tmp_path).name == "a.m3u8"
    (tmp_path / "b.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n")
    (tmp_path / "master.m3u8").mkdir()
    assert hls_reader.top_playlist(tmp_path).name == "b.m3u8"
    assert hls_reader.top_playlist(tmp_path / "a.m3u8") == tmp_path / "a.m3u8"
