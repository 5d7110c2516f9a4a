"""What is in the file: streams, duration, size, and when each picture is shown.

Everybody else plans from this artifact, so that the file is asked once. `probe.json` holds the
facts (`media.Media`) and a summary of the scan; `video.pts` the presentation times of all pictures in
stream ticks (sorted int64, little-endian): the plan that each encoded chunk is held to. `video.keys`
is written when the key frames are IDR pictures of closed GOPs: where a copy may be cut.

A plain MP4 tells all this in its sample table, which is believed when ffprobe agrees on the first
packets; of other files every packet is read. So it is with the length of a sound: containers that are
written as they are recorded do not tell it, and for others ffprobe guesses it from the first bit rate.
"""

import json
from array import array
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from vlogd.core.errors import BadInput, ToolFailed
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import ffmpeg, ffprobe, mp4_index, read_errors
from vlogd.media.ffprobe import Media, VideoStream
from vlogd.media.mp4_index import SampleTable
from vlogd.media.packets import REMUX_FIRST, PacketScan, SoundScan, shown
from vlogd.stages import facts as part_facts
from vlogd.stages.artifacts import KEYS
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace

_COMPARED = 64
"""Packets that are compared between ffprobe and the sample table."""
_HARDLY_SECONDS = 0.1
"""By so little a container's length may differ from what its packets tell."""
_NOTABLE_SECONDS = 2.0
"""By so much the sound must outlast the pictures to be told of."""


@dataclass(frozen=True)
class ScanFacts:
    """Keys of `video.json`. The size is the one at which viewers see the video; None where there is only sound."""

    duration_seconds: float
    width: int | None
    height: int | None
    audio_only: bool


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("scan"),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> ScanFacts:
    facts = ffprobe.describe(ws.film, ws.limits, ws.stop)
    scanned: dict[str, Json] = {"frames": 0, "times_are_known": True, "remux_first": False, "keys": False}
    if facts.video is None:
        facts = _measured(ws, facts)
    else:
        scanned = _scan(ws, facts, facts.video)
    said = {"media": facts.to_json(), "scan": scanned}
    ws.deliver_bytes((json.dumps(said, indent=1) + "\n").encode(), "probe.json")
    width, height = facts.video.shown_size() if facts.video else (None, None)
    return ScanFacts(round(facts.duration_seconds, 3), width, height, facts.video is None)


def _measured(ws: Workspace[NoSettings], facts: Media) -> Media:
    """A sound with its length as its packets tell it, where the container's may be a guess or none."""
    if mp4_index.is_plain(ws.film):
        return facts
    seconds = _sound_seconds(ws, facts)
    believed = not seconds or abs(seconds - facts.duration_seconds) < _HARDLY_SECONDS
    return facts if believed else replace(facts, duration_seconds=seconds)


def _sound_seconds(ws: Workspace[NoSettings], facts: Media) -> float:
    """How long after the file's beginning the last sound ends; 0 when no packet tells."""
    scan = SoundScan()
    _hear_packets(ws, scan)
    return round(max(0.0, scan.end_seconds - facts.start_seconds), 6)


def _longer_sound(
    ws: Workspace[NoSettings], facts: Media, video: VideoStream, last_pts: int
) -> dict[str, Json]:
    """`sound_seconds`, where the sound goes on when the pictures have ended.

    The packets are asked only where the container tells of something behind the last picture, or of no
    length at all.
    """
    pictures = float(last_pts * Fraction(video.time_base)) - facts.start_seconds
    if not facts.audio or 0 < facts.duration_seconds < pictures + _NOTABLE_SECONDS:
        return {}
    seconds = _sound_seconds(ws, facts)
    return {"sound_seconds": seconds} if seconds > pictures + _NOTABLE_SECONDS else {}


def _scan(ws: Workspace[NoSettings], facts: Media, video: VideoStream) -> dict[str, Json]:
    """Deliver `video.pts` and, where a copy could be cut, `video.keys`."""
    table = mp4_index.read(ws.film, video.index)
    if table is not None and not _agrees(table, ws, video):
        table = None
    times, unknown = (shown(table.pts), 0) if table else _packets(ws, video)
    if not times and not unknown:
        raise BadInput("The file says that it holds a video, but there is not one whole picture in it.")
    _deliver(ws, times, "video.pts")
    keys = _closed_gops(ws, table) if table else None
    if keys:
        _deliver(ws, keys, KEYS)
    return {
        "frames": len(times) + unknown,
        "times_are_known": not unknown and not ("avi" in facts.format and video.b_frames > 0),
        "remux_first": facts.format in REMUX_FIRST,
        "keys": bool(keys),
        **(_longer_sound(ws, facts, video, times[-1]) if times else {}),
    }


def _agrees(table: SampleTable, ws: Workspace[NoSettings], video: VideoStream) -> bool:
    """Whether ffprobe sees the first packets as the sample table tells them."""
    lines: list[str] = []
    ffmpeg.probe_lines(ws.film, "-select_streams", str(video.index), "-read_intervals", f"%+#{_COMPARED}",
                       *PacketScan.ENTRIES, on_line=lines.append, limits=ws.limits, stop=ws.stop)  # fmt: skip
    found = [PacketScan.words(line) for line in lines if line]
    keys = set(table.keys)
    told = [[str(time), "K" if index in keys else ""] for index, time in enumerate(table.pts[: len(found)])]
    heard = [[words[0], "K" if "K" in words[-1] else ""] for words in found if "D" not in words[-1]]
    return bool(heard) and heard == told and Fraction(video.time_base) == Fraction(1, table.timescale)


def _packets(ws: Workspace[NoSettings], video: VideoStream) -> "tuple[array[int], int]":
    scan = PacketScan()
    _hear_packets(ws, scan, "-select_streams", str(video.index))
    return scan.times(), scan.unknown


def _hear_packets(ws: Workspace[NoSettings], scan: PacketScan | SoundScan, *select: str) -> None:
    """Let `scan` hear all packets that can be read. Raises OSError when the disk ended them and not the file."""
    try:
        ffmpeg.probe_lines(ws.film, *select, *scan.ENTRIES, on_line=scan.hear, limits=ws.limits, stop=ws.stop)
    except ToolFailed:
        if not scan.heard:
            raise
    read_errors.check(ws.film, scan.end_bytes, read_errors.ENDS_BYTES)


def _closed_gops(ws: Workspace[NoSettings], table: SampleTable) -> "array[int] | None":
    if not table.gops_are_closed() or not mp4_index.key_frames_are_idr(ws.film, table):
        return None
    found = array("q")
    for key, after in pairwise([*table.keys, len(table.pts)]):
        found.extend((table.pts[key], sum(table.sizes[key:after])))
    return found


def _deliver(ws: Workspace[NoSettings], values: "array[int]", name: str) -> None:
    path = ws.scratch / name
    path.write_bytes(values.tobytes())
    ws.deliver(path, name)


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if "scan" not in work.receipts:
        return View()
    return View(facts=part_facts.to_json(work.facts("scan", ScanFacts)))


STAGE = Stage(name="probe", version=3, parts=_parts, run=_run, view=_view)
