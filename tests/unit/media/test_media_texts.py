"""WebVTT, languages, and the lines that ffprobe prints of packets."""

import math
from unicodedata import category

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vlogd.media import languages, webvtt
from vlogd.media.packets import AudioScan, PacketScan


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "00:00:00.000"),
        (-1, "00:00:00.000"),
        (59.9996, "00:01:00.000"),
        (3661.5, "01:01:01.500"),
        (360_000, "100:00:00.000"),
    ],
)
def test_vtt_times(seconds: float, written: str) -> None:
    """To the millisecond, carried over, not before zero."""
    assert webvtt.time(seconds) == written


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_timestamp_map_is_the_second_line(mark: bytes, line_end: bytes) -> None:
    """With any line ends, and nothing of the file is lost."""
    vtt = mark + b"WEBVTT - a" + line_end + line_end + b"00:00.000 --> 00:01.000" + line_end + b"hello"
    mapped = webvtt.with_timestamp_map(vtt, 900_000)
    assert mapped.split(b"\n")[:2] == [b"WEBVTT - a", b"X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000"]
    assert mapped.endswith(vtt.removeprefix(mark + b"WEBVTT - a" + line_end))


@given(st.text(st.characters()))
@example("a\n\n00:00:01.000 --> 00:00:02.000\nb")
@example("a\r\rNOTE <b>\x00\x85\ud800")
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    """Neither a tag, nor the arrow of a cue, nor its end; and it can be read back."""
    escaped = webvtt.escaped(text)
    assert "<" not in escaped
    assert "-->" not in escaped
    assert len(escaped.splitlines()) <= 1
    read = escaped.encode().decode().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert "".join(read.split()) == "".join(
        c for c in text if not c.isspace() and category(c) not in ("Cc", "Cs")
    )


@pytest.mark.parametrize(
    ("said", "tag", "name"),
    [("eng", "en", "English"), ("ger", "de", "Deutsch"), ("deu", "de", "Deutsch"), ("pt_BR", "pt-BR", "Português"),
     ("tlh", "tlh", "tlh"), ("", "und", "und"), ("  ", "und", "und"), ("no language!", "und", "und"), ("\0", "und", "und")],
)  # fmt: skip
def test_languages(said: str, tag: str, name: str) -> None:
    """What files write becomes BCP 47; nonsense is undetermined."""
    assert languages.tag(said) == tag
    assert languages.name(tag) == name


def test_a_packet_scan_counts_what_can_be_shown() -> None:
    """Not before the first key frame, not what edit lists discard; unknown times are counted."""
    scan = PacketScan()
    for line in (
        "5,2,10,0,__",
        "10,2,10,10,K_",
        "30,7,10,20,__",
        "20,2,10,30,__",
        "40,2,10,40,_D",
        "N/A,2,10,50,__",
        "30,N/A,10,60,__",
    ):
        scan.add(line)
    assert scan.times().tolist() == [10, 20, 30]
    assert scan.last_ticks == 7, "of the frame that is presented last"
    assert (scan.unknown, scan.end_bytes, scan.has_times) == (1, 70, True)


def test_an_audio_scan_finds_the_last_end_of_all_tracks() -> None:
    """A packet without a duration is as long as the one before it."""
    scan = AudioScan()
    for line in (
        "0,0.0,0.02,10,0",
        "1,5.0,0.5,10,10",
        "0,0.02,N/A,10,20",
        "1,6.0,N/A,10,30",
        "1,nan,1,10,40",
        "x",
    ):
        scan.add(line)
    assert scan.end_seconds == 7.0
    assert scan.end_bytes == 50


@pytest.mark.parametrize(("cues", "expected"), [
    (b"00:01.000 --> 00:02.000\nHello\n", b"00:01.000 --> 00:02.000\nHello\n"),
    (b"00:00.-777 --> 00:01.223 line:0\nHello\n", b"00:00.000 --> 00:01.223 line:0\nHello\n"),
    (b"-1:-1.-500 --> 00:00.-100\nGone\n\n00:02.000 --> 00:03.000\n-1 --> -2\n", b"00:02.000 --> 00:03.000\n-1 --> -2\n"),
    (b"00:02.000 --> 00:03.000\n- Hello\n- You\n", b"00:02.000 --> 00:03.000\n- Hello\n- You\n"),
])  # fmt: skip
def test_no_cue_begins_before_the_film(cues: bytes, expected: bytes) -> None:
    """Ffmpeg writes negative times, which WebVTT has not."""
    assert webvtt.from_zero(b"WEBVTT\n\n" + cues) == b"WEBVTT\n\n" + expected


@given(st.text(alphabet="0123456789-,.KDN/Ae²\x00", max_size=60))
def test_no_line_is_too_odd(line: str) -> None:
    """Numbers beyond 64 bits, words, and missing fields are passed over."""
    frames, audio = PacketScan(), AudioScan()
    frames.add(line)
    audio.add(line)
    assert len(frames.times()) + frames.unknown <= 1
    assert math.isfinite(audio.end_seconds)
