"""What a file is instead of a video."""

from pathlib import Path

import hostile_kinds
import pytest

from vlogd.media import file_kinds

WORDS = {
    "photo.mp4": "HEIC", "photo.mov": "AVIF", "camera.mp4": "JPEG", "web.mp4": "WebP", "scan.mp4": "TIFF", "paper.mp4": "PDF",
    "office.mp4": "office", "old-office.mp4": "office", "packed-7.mp4": "7z", "windows.mp4": "program", "shell.mp4": "program",
    "phone.mp4": "SQLite", "letters.mp4": "font", "notes.mid": "MIDI", "film.mp4": "torrent", "utf16.mp4": "text",
    "table.mp4": "text", "sheet.mp4": "web page", "feed.mp4": "XML", "smooth.mp4": "playlist", "list.wpl": "playlist",
    "list.xspf": "playlist", "old.mp4": "subtitles", "nulls.mov": "zeros",
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_it_is_named(name: str, tmp_path: Path) -> None:
    """By its first bytes, whatever its name says."""
    path = tmp_path / name
    path.write_bytes(hostile_kinds.mistakes()[name])
    assert WORDS[name] in (file_kinds.describe(path) or "")


@pytest.mark.parametrize(
    "start", [b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3", b"\x47\x40\0\x10", b"\x07bell", b"\xff\xfb\x90\0"]
)
def test_what_might_be_a_video_is_not_named(start: bytes, tmp_path: Path) -> None:
    """Then it is damaged."""
    path = tmp_path / "a.mp4"
    path.write_bytes(start + hostile_kinds.FILL)
    assert file_kinds.describe(path) is None


def test_a_text_may_be_cut_within_a_letter(tmp_path: Path) -> None:
    """Only the first bytes are read."""
    path = tmp_path / "a.mp4"
    path.write_text("ü" * 3000 + "x", encoding="utf-8-sig")
    assert file_kinds.describe(path) == "a text"
