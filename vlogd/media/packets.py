"""Scans of ffprobe's packet lines: when each frame is shown, where the audio ends."""

import math
import re
from array import array
from contextlib import suppress
from itertools import groupby

REMUX_FIRST = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "vc1", "av1", "ivf", "dv"}
"""Containers without an index: seeking in them lost frames in trials, so they are remuxed first."""


_TICKS = re.compile("-?[0-9]{1,18}")
"""A number that fits into 64 bits; ffprobe prints N/A where it knows none."""


class PacketScan:
    """Collects presentation times from ffprobe's packet lines.

    Packets before the first key cannot be decoded; packets marked D are not shown (edit lists).
    `end_bytes`: where in the file the last packet ended, as far as the demuxer knows.
    """

    ENTRIES = ("-show_entries", "packet=pts,size,pos,flags", "-of", "csv=p=0")

    def __init__(self) -> None:
        self.pts = array("q")
        self.unknown = 0
        self.end_bytes = 0
        self._keyed = False

    @staticmethod
    def words(line: str) -> list[str]:
        """The four words of a packet's line; those that are missing are empty."""
        return [*line.split(","), "", "", ""][:4]

    def hear(self, line: str) -> None:
        """One packet: `pts,size,pos,flags`."""
        pts, size, position, flags = self.words(line)
        self.end_bytes = max(self.end_bytes, _end(position, size))
        self._keyed = self._keyed or "K" in flags
        if not self._keyed or "D" in flags or not flags:
            return
        if _TICKS.fullmatch(pts):
            self.pts.append(int(pts))
        else:
            self.unknown += 1

    @property
    def heard(self) -> bool:
        """Whether any packet told a time."""
        return bool(self.pts)

    def times(self) -> "array[int]":
        """The times in the order in which they are shown, each once."""
        return shown(self.pts)


class SoundScan:
    """Finds where the audio ends, from ffprobe's packet lines: the last end of all tracks, in seconds."""

    ENTRIES = (
        "-select_streams",
        "a",
        "-show_entries",
        "packet=stream_index,pts_time,duration_time,size,pos",
        "-of",
        "csv=p=0",
    )

    def __init__(self) -> None:
        self.end_seconds = 0.0
        self.end_bytes = 0
        self._last: dict[str, float] = {}

    @property
    def heard(self) -> bool:
        """Whether any packet told a time."""
        return bool(self.end_seconds)

    def hear(self, line: str) -> None:
        """One packet: `stream_index,pts_time,duration_time,size,pos`. Without a duration it is as long as the one before."""
        stream, time, duration, size, position = [*line.split(","), "", "", "", ""][:5]
        self.end_bytes = max(self.end_bytes, _end(position, size))
        with suppress(ValueError):
            begin = float(time)
            before = self._last.get(stream, begin)
            self._last[stream] = begin
            length = float(duration) if duration and duration != "N/A" else begin - before
            if math.isfinite(begin + length):
                self.end_seconds = max(self.end_seconds, begin + length)


def _end(position: str, size: str) -> int:
    """Where in the file a packet ends; 0 when the demuxer does not know."""
    return int(position) + int(size) if _TICKS.fullmatch(size) and _TICKS.fullmatch(position) else 0


def shown(pts: "array[int]") -> "array[int]":
    """Times in the order in which frames are shown, each once."""
    return array("q", (time for time, _ in groupby(sorted(pts))))
