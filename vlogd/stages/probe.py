"""What is in the file: streams, duration, size, and when each picture is shown.

Everybody else plans from this artifact, so that the file is asked once. `probe.json` holds the
facts (`media.Media`) and a summary of the packet scan; `video.pts` the presentation times of all
pictures in stream ticks (sorted int64, little-endian): the plan that each encoded chunk is held to.
"""

import json
from array import array
from collections.abc import Mapping, Sequence, Set

from vlogd import ffmpeg, media
from vlogd.errors import BadInput, ToolFailed
from vlogd.model import Json, Part, View
from vlogd.scan import REMUX_FIRST, PacketScan
from vlogd.stage import Stage, Work
from vlogd.workspace import Workspace


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
        times = scan.times()
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
            "remux_first": facts.format in REMUX_FIRST,
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
