"""How WebVTT writes times and text (W3C WebVTT), and how HLS maps its times (RFC 8216, 3.5)."""

import re

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
"""A line may end in any of the three (W3C WebVTT, 4.1)."""

_TIMING = re.compile(rb"(?P<start>[0-9:.-]+) --> (?P<end>[0-9:.-]+)")
"""The first line of a cue."""

_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
"""Control characters, line ends, and lone surrogates, which UTF-8 cannot encode."""


def time(seconds: float) -> str:
    """A timestamp, to the millisecond; not before zero."""
    milliseconds = max(0, round(seconds * 1000))
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, rest = divmod(rest, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}.{rest:03d}"


def escaped(text: str) -> str:
    """Text that can be no markup and ends no line: control characters and line ends become spaces."""
    return _NO_TEXT.sub(" ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def from_zero(vtt: bytes) -> bytes:
    """What ffmpeg's muxer wrote without the cues that end before time 0; those that begin before it begin at 0.

    WebVTT has no negative times; ffmpeg writes them with a minus sign before each number of them that is not 0.
    """
    blocks = vtt.split(b"\n\n")
    return b"\n\n".join(block for block in map(_block_from_zero, blocks) if block is not None)


def _block_from_zero(block: bytes) -> bytes | None:
    timing = _TIMING.match(block)
    if timing is None or b"-" not in timing["start"] + timing["end"]:
        return block
    if b"-" in timing["end"]:
        return None
    return b"00:00.000" + block[timing.end("start") :]


def with_timestamp_map(vtt: bytes, mpegts_ticks: int) -> bytes:
    """A WebVTT file whose time 0 is `mpegts_ticks` of 1/90000 s in the stream: X-TIMESTAMP-MAP behind its first line."""
    head, *rest = _LINE_END.split(vtt.removeprefix(_BYTE_ORDER_MARK), maxsplit=1)
    mapping = f"\nX-TIMESTAMP-MAP=MPEGTS:{mpegts_ticks},LOCAL:00:00:00.000\n".encode()
    return head.rstrip() + mapping + b"".join(rest)
