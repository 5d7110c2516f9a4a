"""Scans of ffprobe's packet lines: when each frame is presented, where the audio ends."""

import heapq
import math
import re
from array import array
from contextlib import suppress
from itertools import groupby

from vlogd.media import bounds
from vlogd.media.hidden_frames import IsHidden

REMUX_FIRST = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "vc1", "av1", "ivf", "dv"}
"""Containers without an index: seeking in them lost frames in trials, so they are remuxed first."""

_SORTED_AT_ONCE = 1 << 16
"""Frames. A list of so many takes 2.5 MiB; frames are reordered by 16 at most (H.264), so these runs hardly overlap."""

_TICKS = re.compile("-?[0-9]{1,18}")
"""A number that fits into 64 bits; ffprobe prints N/A where it knows none."""


class PacketScan:
    """Collects presentation times from ffprobe's packet lines.

    Packets before the first key frame cannot be decoded; packets with the flag D (discard) are not presented (edit
    lists), nor those that `is_hidden` finds. `unknown` counts the others that have no time. `end_bytes`: where in the
    file the last packet ends, as far as the demuxer knows. `last_ticks`: how long the frame that is presented last
    lasts, 0 where the container does not say.
    """

    # CSV without the section's name (p=0): far shorter than JSON, for hundreds of thousands of packets
    ENTRIES = ("-show_entries", "packet=pts,duration,size,pos,flags", "-of", "csv=p=0")

    def __init__(self, is_hidden: IsHidden | None = None) -> None:
        self._is_hidden = is_hidden
        self.pts = array("q")
        self.unknown = 0
        self.end_bytes = 0
        self.last_ticks = 0
        self._last_pts = -math.inf
        self._has_key_frame = False

    @staticmethod
    def fields(line: str) -> list[str]:
        """The five fields of a packet's line; missing ones are empty."""
        return [*line.split(","), "", "", "", ""][:5]

    def add(self, line: str) -> None:
        """Parse one packet: `pts,duration,size,pos,flags`. Raises BadInput when there are too many."""
        pts, duration, size, position, flags = self.fields(line)
        self.end_bytes = max(self.end_bytes, _end(position, size))
        self._has_key_frame = self._has_key_frame or "K" in flags
        if not self._has_key_frame or "D" in flags or not flags:
            return
        if self._is_hidden and self._is_hidden(*_place(position, size)):
            return
        if _TICKS.fullmatch(pts):
            self.pts.append(int(pts))
            if self.pts[-1] > self._last_pts:
                self._last_pts = self.pts[-1]
                self.last_ticks = int(duration) if _TICKS.fullmatch(duration) else 0
        else:
            self.unknown += 1
        bounds.check_frames(len(self.pts) + self.unknown)

    @property
    def has_times(self) -> bool:
        """Whether any packet has a time."""
        return bool(self.pts)

    def times(self) -> "array[int]":
        """The times in presentation order, each once."""
        return presentation_order(self.pts)


class AudioScan:
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
        self._last_begin: dict[str, float] = {}

    @property
    def has_times(self) -> bool:
        """Whether any packet has a time."""
        return bool(self.end_seconds)

    def add(self, line: str) -> None:
        """Parse one packet: `stream_index,pts_time,duration_time,size,pos`. Without a duration it lasts as long as the packet before."""
        stream, time, duration, size, position = [*line.split(","), "", "", "", ""][:5]
        self.end_bytes = max(self.end_bytes, _end(position, size))
        with suppress(ValueError):
            begin = float(time)
            previous = self._last_begin.get(stream, begin)
            self._last_begin[stream] = begin
            length = float(duration) if duration and duration != "N/A" else begin - previous
            if math.isfinite(begin + length):
                self.end_seconds = max(self.end_seconds, begin + length)


def _place(position: str, size: str) -> tuple[int, int]:
    """Where in the file a packet is, and its size; zeros when the demuxer does not know."""
    if not (_TICKS.fullmatch(size) and _TICKS.fullmatch(position)):
        return 0, 0
    return max(0, int(position)), int(size)


def _end(position: str, size: str) -> int:
    """Where in the file a packet ends; 0 when the demuxer does not know."""
    return sum(_place(position, size))


def presentation_order(pts: "array[int]") -> "array[int]":
    """Sorted times, each once. Takes eight bytes a frame, where a sorted list would take forty."""
    runs = [
        array("q", sorted(pts[first : first + _SORTED_AT_ONCE]))
        for first in range(0, len(pts), _SORTED_AT_ONCE)
    ]
    return array("q", (time for time, _ in groupby(heapq.merge(*runs))))
