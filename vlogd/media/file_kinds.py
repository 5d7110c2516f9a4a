"""What a file is that ffprobe does not take for video or sound, by its first bytes: for the sentence that refuses it."""

import codecs
import re
from pathlib import Path

_HEAD_BYTES = 4096
"""As much as any of the marks below needs."""

_MARKS: tuple[tuple[str, bytes], ...] = (
    ("a picture (HEIC or AVIF)", rb".{4}ftyp(heic|heix|heim|heis|hevc|mif1|msf1|avif|avis)"),
    ("a picture (JPEG)", rb"\xff\xd8\xff"),
    ("a picture (PNG)", rb"\x89PNG\r\n\x1a\n"),
    ("a picture (GIF)", rb"GIF8[79]a"),
    ("a picture (WebP)", rb"RIFF.{4}WEBP"),
    ("a picture (TIFF)", rb"II\*\0|MM\0\*"),
    ("a picture (BMP)", rb"BM.{8}[\x1a\x36\x8a\x7a]\0\0\0"),
    ("a picture (Photoshop)", rb"8BPS"),
    ("a picture (JPEG XL)", rb"\xff\x0a|\0\0\0\x0cJXL "),
    ("a picture (JPEG 2000)", rb"\0\0\0\x0cjP  "),
    ("a PDF document", rb"%PDF-"),
    ("an archive or an office document (ZIP)", rb"PK(\x03\x04|\x05\x06|\x07\x08)"),
    ("an archive (RAR)", rb"Rar!\x1a\x07"),
    ("an archive (7z)", rb"7z\xbc\xaf\x27\x1c"),
    ("an archive (gzip)", rb"\x1f\x8b"),
    ("an archive (bzip2)", rb"BZh[1-9]"),
    ("an archive (xz)", rb"\xfd7zXZ\0"),
    ("an archive (Zstandard)", rb"\x28\xb5\x2f\xfd"),
    ("an archive (tar)", rb".{257}ustar"),
    ("an old office document", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a program", rb"\x7fELF|MZ.{58}|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe|#!"),
    ("a database (SQLite)", rb"SQLite format 3\0"),
    ("a disc image", rb"QFI\xfb|conectix|KDMV"),
    ("a font", rb"OTTO|wOF[F2]|\0\x01\0\0\0.\0"),
    ("a text", rb"\xff\xfe|\xfe\xff"),
    ("a MIDI file, which holds notes and no sound", rb"MThd"),
    ("a torrent, which only says where to get a file", rb"d8:announce|d10:created|d13:announce"),
)
"""What a file is called, and what its beginning matches. The marks are those of the formats' own specifications."""

_TEXTS: tuple[tuple[str, str], ...] = (
    ("a playlist, which only says where to find videos",
     r"#EXTM3U|ffconcat|\[playlist\]|\[Reference\]|<asx\b|<\?wpl|<playlist\b|file\s+['\"]|(<\?xml[^>]*>\s*)?<(MPD|SmoothStreaming|CompositionPl)"),
    ("subtitles without a video", r"WEBVTT|\[Script Info\]|\d+\s*\r?\n\d\d:\d\d:\d\d[,.]\d+ -->|\{\d+\}\{\d+\}"),
    ("a picture (SVG)", r"(<\?xml[^>]*>\s*)?(<!DOCTYPE[^>]*>[^<]*(\]>)?\s*)?<svg\b|<!DOCTYPE s\b"),
    ("a web page", r"<!doctype html|<html\b|<head\b"),
    ("an XML document", r"<\?xml"),
)  # fmt: skip


def describe(path: Path) -> str | None:
    """What the file is, with its article; None when it is not known. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for name, mark in _MARKS:
        if re.match(mark, head, re.DOTALL):
            return name
    if not head.strip(b"\0"):
        return "nothing but zeros: it was reserved and never filled"
    return _text(head)


def _text(head: bytes) -> str | None:
    """What kind of text it is; None when it is none."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    if re.search("[\0-\x08\x0e-\x1a\x1c-\x1f]", text):
        return None
    return next((name for name, start in _TEXTS if re.match(rf"\s*({start})", text, re.IGNORECASE)), "a text")
