"""What is in the file: streams, duration, size, and when each picture is shown.

Everybody else plans from this artifact, so that the file is asked once. `probe.json` holds the
facts (`media.Media`) and a summary of the packet scan; `video.pts` the presentation times of all
pictures in stream ticks (sorted int64, little-endian): the plan that each encoded chunk is held to.
"""

import json
from array import array
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from vlogd import ffmpeg, media
from vlogd.errors import BadInput, ToolFailed
from vlogd.media import Media
from vlogd.model import Json, Part, View
from vlogd.stage import Stage, Work
from vlogd.workspace import Workspace

_REMUX_FIRST = {"mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "vc1", "av1", "ivf", "dv"}
"""Containers without an index: seeking in them lost frames in trials, so they are remuxed first."""


@dataclass(frozen=True)
class Probed:
    """probe's artifact, read back. `pts_path` is None when there is no picture."""

    media: Media
    frames: int
    times_are_known: bool
    remux_first: bool
    pts_path: Path | None


class PacketScan:
    """Collects presentation times from ffprobe's packet lines.

    Packets before the first key cannot be decoded; packets marked D are not shown (edit lists).
    """

    ENTRIES = ("-show_entries", "packet=pts,flags", "-of", "csv=p=0")

    def __init__(self) -> None:
        self.pts = array("q")
        self.unknown = 0
        self._keyed = False

    def hear(self, line: str) -> None:
        """One packet: `pts,flags`."""
        pts, _, flags = line.partition(",")
        self._keyed = self._keyed or "K" in flags
        if not self._keyed or "D" in flags or not flags:
            return
        if pts.lstrip("-").isdigit():
            self.pts.append(int(pts))
        else:
            self.unknown += 1

    def sorted(self) -> array[int]:
        """The times in the order in which they are shown, each once."""
        return array("q", sorted(set(self.pts)))


def read(folder: Path) -> Probed:
    """probe's artifact in `folder`."""
    said = json.loads((folder / "probe.json").read_bytes())
    scan = said["scan"]
    facts = media.from_json(said["media"])
    return Probed(
        media=facts,
        frames=scan["frames"],
        times_are_known=scan["times_are_known"],
        remux_first=scan["remux_first"],
        pts_path=folder / "video.pts" if facts.video else None,
    )


def _parts(_work: Work) -> Sequence[Part]:
    return (Part("scan"),)


def _run(_part: Part, ws: Workspace) -> Mapping[str, Json]:
    facts = media.describe(ws.original, ws.limits, ws.stop)
    scan = PacketScan()
    if facts.video is not None:
        try:
            ffmpeg.probe_lines(ws.original, "-select_streams", str(facts.video.index), *scan.ENTRIES,
                               on_line=scan.hear, limits=ws.limits, stop=ws.stop)  # fmt: skip
        except ToolFailed:
            if not scan.pts:
                raise
        times = scan.sorted()
        if not times and not scan.unknown:
            raise BadInput("The file says that it holds a video, but there is not one whole picture in it.")
        times_are_known = not scan.unknown and not ("avi" in facts.format and facts.video.b_frames > 0)
        pts_file = ws.scratch / "pts"
        pts_file.write_bytes(times.tobytes())
        ws.deliver(pts_file, "video.pts")
    else:
        times, times_are_known = array("q"), True
    said = {
        "media": facts.to_json(),
        "scan": {
            "frames": len(times) + scan.unknown,
            "times_are_known": times_are_known,
            "remux_first": facts.format in _REMUX_FIRST,
        },
    }
    ws.deliver_bytes((json.dumps(said, indent=1) + "\n").encode(), "probe.json")
    width, height = facts.video.shown_size() if facts.video else (None, None)
    return {
        "duration_seconds": round(facts.duration_seconds, 3),
        "width": width,
        "height": height,
        "audio_only": facts.video is None,
    }


def _view(work: Work, _have: Set[str]) -> View:
    return View(facts=work.receipts["scan"].facts if "scan" in work.receipts else {})


STAGE = Stage(name="probe", version=1, parts=_parts, run=_run, view=_view)
