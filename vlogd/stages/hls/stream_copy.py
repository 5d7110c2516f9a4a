"""Publishes the source's own pictures: copied, cut at their IDR pictures, held to the plan like all others.

Segments are delivered while ffmpeg still copies, so a film can be watched as soon as its first
megabytes were read.
"""

from bisect import bisect_right
from pathlib import Path

from vlogd.core.errors import ToolFailed
from vlogd.media import ffmpeg
from vlogd.media.streaming import fragment_reader, frame_times
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.frame_times import Mismatch
from vlogd.media.streaming.tracks import OFFSET_SECONDS, TICKS
from vlogd.stages.hls import filter_graph
from vlogd.stages.hls.facts import CopyFacts, KeyFrameSpans
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plan import Plan
from vlogd.stages.hls.segment_writer import Gop, SegmentWriter
from vlogd.stages.workspace import Workspace


def run(plan: Plan, ws: Workspace[HlsSettings]) -> CopyFacts:
    """Copy and deliver. When the pictures are not those of the plan, the facts say why and nothing is shown."""
    assert plan.copied is not None and plan.media.video is not None  # noqa: S101, PT018 - the part exists for a copy
    target = ws.scratch / "copy.mp4"
    cutter = _Cutter(plan, target, ws)
    length = max(1.0, plan.media.duration_seconds)

    def reached(seconds: float) -> None:
        ws.report_progress((seconds - OFFSET_SECONDS) / length)
        cutter.cut()

    offset = OFFSET_SECONDS - plan.media.start_seconds
    options = {"c": "copy", **filter_graph.muxed(), "output_ts_offset": f"{offset:.6f}"}
    source = ffmpeg.source(ws.film)[str(plan.media.video.index)]
    try:
        ffmpeg.run([ffmpeg.output(source, target, **options)], limits=ws.limits, stop=ws.stop, tell_seconds=reached,
                   global_options=("-copyts", *ffmpeg.SOON))  # fmt: skip
        cutter.cut()
        cutter.finish()
    except (Mismatch, ToolFailed) as error:
        why = f"The source is encoded anew: its pictures could not be copied ({error})."
        return CopyFacts(copied=False, why=why)
    return CopyFacts(copied=True, iframes={plan.copied.name: cutter.iframes()})


class _Cutter:
    """Reads the growing copy and delivers each segment whose GOPs are all there."""

    def __init__(self, plan: Plan, path: Path, ws: Workspace[HlsSettings]) -> None:
        assert plan.timeline is not None and plan.copied is not None  # noqa: S101, PT018 - a copy has both
        self._times = plan.timeline
        self._name = plan.copied.name
        self._path = path
        self._ws = ws
        self._position = 0
        self._picture = 0
        self._writer: SegmentWriter | None = None
        self._number = 0
        self._gops: list[Gop] = []

    def cut(self) -> None:
        """Deliver what has become whole. Raises Mismatch."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            if self._writer is None:
                init = fragment_reader.init_bytes(file)
                if not init:
                    return
                self._position = len(init)
                self._writer = SegmentWriter(self._ws, self._name, init, "m4s")
            for fragment, after in fragment_reader.fragments(file, self._position):
                self._position = after
                if fragment.pts:
                    self._take(fragment)

    def _take(self, fragment: Fragment) -> None:
        first, last = self._picture, self._picture + len(fragment.pts)
        planned = self._times.pts[first:last]
        pts = frame_times.snapped(fragment.pts, planned)
        if not fragment.sync[0] or pts[0] != planned[0]:
            raise Mismatch(f"at {planned[0] / TICKS - OFFSET_SECONDS:.3f} s no GOP begins with its key frame")
        number = bisect_right(self._times.cuts, first) - 1
        if number != self._number:
            self._deliver()
            self._number = number
        after = self._times.time_after(last)
        self._gops.append(Gop(pts, after, fragment.sizes, self._path, fragment.data_at))
        self._picture = last

    def _deliver(self) -> None:
        assert self._writer is not None  # noqa: S101 - GOPs come after the init segment
        if self._gops:
            self._writer.write(self._number, self._gops)
        self._gops = []

    def finish(self) -> None:
        """Deliver the last segment. Raises Mismatch when pictures are missing."""
        if self._picture != len(self._times.pts):
            raise Mismatch(f"{len(self._times.pts)} pictures were planned, {self._picture} came")
        self._deliver()

    def iframes(self) -> tuple[KeyFrameSpans, ...]:
        """Where the key frames lie, segment by segment."""
        assert self._writer is not None  # noqa: S101 - asked for after the end
        return tuple(self._writer.iframes.get(number, ()) for number in range(len(self._times.cuts)))
