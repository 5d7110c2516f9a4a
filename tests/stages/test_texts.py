"""The file's own subtitles and chapters, and the one master playlist and manifest that bring all together."""

import json
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import m3u8
from clips import ffmpeg, stamped
from hls_tools import SETTINGS, publish
from stage_driver import LIMITS, run_stage

from vlogd.core.settings import NoSettings
from vlogd.media.conformance import check
from vlogd.media.conformance.check import CheckOptions
from vlogd.stages.contract import Work
from vlogd.stages.pipeline import CHAPTERS, PROBE, STREAM, SUBTITLES

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nHello & <b>welcome</b>\n\n2\n00:00:04,000 --> 00:00:05,000\nGoodbye\n"
)
ASS = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Guten Tag{\\i0}
"""
CHAPTERS_TEXT = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=3000
title=Intro -->
[CHAPTER]
TIMEBASE=1/1000
START=3000
END=6000
"""


def pgs(path: Path) -> Path:
    """A Blu-ray subtitle stream: one empty presentation composition, and its end."""
    composition = struct.pack(">HHBHBBBB", 192, 108, 0x10, 0, 0x80, 0, 0, 0)
    blocks = [(0x16, composition), (0x80, b"")]
    path.write_bytes(
        b"".join(b"PG" + struct.pack(">IIBH", 90_000, 0, kind, len(body)) + body for kind, body in blocks)
    )
    return path


def film(tmp_path: Path) -> Path:
    """Six seconds with an English SubRip, a German ASS and a pictured subtitle, and two chapters."""
    clip = stamped(tmp_path / "clip.mp4", seconds=6)
    for name, text in (("a.srt", SRT), ("b.ass", ASS), ("c.txt", CHAPTERS_TEXT)):
        (tmp_path / name).write_text(text)
    ffmpeg("-i", clip, "-i", tmp_path / "a.srt", "-i", tmp_path / "b.ass", "-i", pgs(tmp_path / "d.sup"), "-i", tmp_path / "c.txt",
           "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map_metadata", "4", "-c", "copy", "-metadata:s:s:0", "language=eng",
           "-metadata:s:s:1", "language=ger", tmp_path / "film.mkv")  # fmt: skip
    return tmp_path / "film.mkv"


def together(source: Path, tmp_path: Path) -> tuple[Work, Work]:
    """Subtitles and stream of `source`."""
    hls = publish(source, tmp_path, SETTINGS)
    texts = run_stage(SUBTITLES, source, {"probe": hls.inputs["probe"]}, NoSettings(), tmp_path)
    inputs = {"hls": hls.folder, "subtitles": texts.folder}
    return texts, run_stage(STREAM, source, inputs, NoSettings(), tmp_path)


def test_text_subtitles_are_published_and_pictures_are_told_of(tmp_path: Path) -> None:
    """SubRip and ASS become WebVTT in their languages; the pictured track is left out, and said."""
    texts, _ = together(film(tmp_path), tmp_path)
    view = SUBTITLES.view(texts, set())
    assert [(one["language"], one["label"]) for one in view.facts["captions"]] == [
        ("en", "English"),
        ("de", "Deutsch"),
    ]
    first, second = ((texts.folder / one["src"]).read_text() for one in view.facts["captions"])
    # Matroska moves all times by the 23 ms that AAC needs before its first sample.
    assert "00:01.023 --> 00:02.523\nHello & <b>welcome</b>" in first
    assert "Guten Tag" in second
    assert view.facts["notes"] == ["Subtitles that are images cannot be published as text and were left out."]


def test_subtitles_in_an_unknown_format_are_not_called_images(tmp_path: Path) -> None:
    """They may be text that this ffmpeg has no name for."""
    (tmp_path / "a.srt").write_text(SRT)
    clip = stamped(tmp_path / "clip.mkv", seconds=1, size="96x54", sound=False)
    film = tmp_path / "a.mkv"
    ffmpeg("-i", clip, "-i", tmp_path / "a.srt", "-c", "copy", "-c:s", "srt", film)
    film.write_bytes(film.read_bytes().replace(b"S_TEXT/UTF8", b"S_TEXT/XXXX"))
    probed = run_stage(PROBE, film, {}, NoSettings(), tmp_path)
    work = run_stage(SUBTITLES, film, {"probe": probed.folder}, NoSettings(), tmp_path)
    assert SUBTITLES.view(work, frozenset()).facts["notes"] == [
        "A subtitle track could not be read and was left out."
    ]


def test_mov_text_and_a_late_start(tmp_path: Path) -> None:
    """Subtitles of a file that begins at five seconds are told from its first moment."""
    clip = stamped(tmp_path / "clip.mp4", seconds=6)
    (tmp_path / "a.srt").write_text(SRT)
    ffmpeg(
        "-i",
        clip,
        "-i",
        tmp_path / "a.srt",
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-c:s",
        "mov_text",
        tmp_path / "a.mp4",
    )
    ffmpeg(
        "-i",
        tmp_path / "a.mp4",
        "-map",
        "0",
        "-c",
        "copy",
        "-c:s",
        "srt",
        "-output_ts_offset",
        "5",
        tmp_path / "late.mkv",
    )
    for name, cue in (("a.mp4", "00:01.000 --> 00:02.500"), ("late.mkv", "00:01.023 --> 00:02.523")):
        probed = run_stage(PROBE, tmp_path / name, {}, NoSettings(), tmp_path / f"of {name}")
        texts = run_stage(
            SUBTITLES, tmp_path / name, {"probe": probed.folder}, NoSettings(), tmp_path / f"of {name}"
        )
        (track,) = texts.receipts["read"].facts["tracks"]
        assert f"{cue}\nHello" in (texts.folder / track["src"]).read_text()


def test_the_stream_names_everything_and_keeps_the_rules(tmp_path: Path) -> None:
    """Master playlist and manifest name renditions, sound and subtitles; ffmpeg reads both without a complaint."""
    _, stream = together(film(tmp_path), tmp_path)
    view = STREAM.view(stream, set())
    for name, text in view.names.items():
        assert isinstance(text, bytes)
        (tmp_path / name).write_bytes(text)
    master = m3u8.loads((tmp_path / "master.m3u8").read_text())
    texts = [one for one in master.media if one.type == "SUBTITLES"]
    assert [(one.language, one.name) for one in texts] == [("en", "English"), ("de", "Deutsch")]
    assert {p.stream_info.subtitles for p in master.playlists} == {"subtitles"}
    assert check.stream(tmp_path / "master.m3u8", CheckOptions(LIMITS)) == []
    segment = (tmp_path / texts[0].uri).parent / "00000.vtt"
    assert segment.read_text().startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n")
    sets = ET.fromstring((tmp_path / "manifest.mpd").read_text()).findall(".//{*}AdaptationSet")  # noqa: S314 - our own
    assert [one.get("contentType") for one in sets] == ["video", "audio", "text", "text"]
    said = subprocess.run(["ffmpeg", "-v", "warning", "-xerror", "-allowed_extensions", "ALL", "-i", tmp_path / "manifest.mpd", "-map", "0:v", "-map", "0:a",
                           "-f", "null", "-"], capture_output=True, text=True, check=False)  # fmt: skip
    assert (said.returncode, said.stderr) == (0, "")


def test_chapters(tmp_path: Path) -> None:
    """As WebVTT and as JSON; a title cannot break the file, and one that is missing gets a number."""
    source = film(tmp_path)
    probed = run_stage(PROBE, source, {}, NoSettings(), tmp_path)
    chapters = run_stage(CHAPTERS, source, {"probe": probed.folder}, NoSettings(), tmp_path)
    assert (chapters.folder / "chapters.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\nIntro --&gt;\n\n00:00:03.000 --> 00:00:06.000\nChapter 2\n"
    )
    told = json.loads((chapters.folder / "chapters.json").read_text())
    assert [(one["start-time"], one["duration"], one["titles"][0]["title"]) for one in told] == [
        (0.0, 3.0, "Intro -->"), (3.0, 3.0, "Chapter 2"),
    ]  # fmt: skip


def test_a_file_without_any_of_it(tmp_path: Path) -> None:
    """No subtitles, no chapters: nothing is shown and nothing is complained of."""
    source = stamped(tmp_path / "a.mp4", seconds=2)
    texts, stream = together(source, tmp_path)
    assert SUBTITLES.view(texts, set()).facts == {"captions": [], "notes": []}
    assert "SUBTITLES" not in STREAM.view(stream, set()).names["master.m3u8"].decode()  # type: ignore[union-attr]
    chapters = run_stage(
        CHAPTERS,
        source,
        {"probe": stream.inputs["hls"].parent / "probe-000000000000"},
        NoSettings(),
        tmp_path,
    )
    assert CHAPTERS.view(chapters, set()).facts == {"chapters": None}
