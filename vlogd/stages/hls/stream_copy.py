"""Publishes the source's own frames: copied, cut at their IDR pictures, validated against the plan like encoded ones.

Segments are delivered while ffmpeg still copies, so a film can be watched as soon as its first megabytes were read.
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
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plans import ChunkedPlan
from vlogd.stages.hls.segment_writer import Gop, SegmentWriter
from vlogd.stages.hls.timeline import Timeline
from vlogd.stages.workspace import Workspace


def run(plan: ChunkedPlan, copied: Rendition, ws: Workspace[HlsSettings]) -> CopyFacts:
    """Copy and deliver. Where the frames are not those of the plan, the facts say why, and they are not published."""
    target = ws.scratch / "copy.mp4"
    cutter = _Cutter(plan.timeline, copied.name, target, ws)
    length = max(1.0, plan.media.duration_seconds)

    def on_progress(seconds: float) -> None:
        ws.report_progress((seconds - OFFSET_SECONDS) / length)
        cutter.cut()

    shift_seconds = OFFSET_SECONDS - plan.media.start_seconds
    options = {"c": "copy", **filter_graph.mp4_options(), "output_ts_offset": f"{shift_seconds:.6f}"}
    source = ffmpeg.source(ws.film)[str(plan.video.index)]
    try:
        # copyts: keep the source's times, which the plan is made of.
        ffmpeg.run([ffmpeg.output(source, target, **options)], limits=ws.limits, stop=ws.stop,
                   on_progress_seconds=on_progress, global_options=("-copyts", *ffmpeg.FREQUENT_PROGRESS))  # fmt: skip
        cutter.cut()
        cutter.finish()
    except (Mismatch, ToolFailed) as error:
        why = f"The source is re-encoded: its frames could not be copied ({error})."
        return CopyFacts(copied=False, why=why)
    return CopyFacts(copied=True, iframes={copied.name: cutter.iframes()})


class _Cutter:
    """Reads the growing copy and delivers each segment whose GOPs are all there."""

    def __init__(self, timeline: Timeline, folder: str, path: Path, ws: Workspace[HlsSettings]) -> None:
        self._timeline = timeline
        self._folder = folder
        self._path = path
        self._ws = ws
        self._position = 0
        self._frame = 0
        self._writer: SegmentWriter | None = None
        self._number = 0
        self._gops: list[Gop] = []

    def cut(self) -> None:
        """Deliver the segments that have become complete. Raises Mismatch."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            if self._writer is None:
                init = fragment_reader.init_bytes(file)
                if not init:
                    return
                self._position = len(init)
                self._writer = SegmentWriter(self._ws, self._folder, init, "m4s")
            for fragment, after in fragment_reader.fragments(file, self._position):
                self._position = after
                if fragment.pts:
                    self._take(fragment, self._writer)

    def _take(self, fragment: Fragment, writer: SegmentWriter) -> None:
        first, last = self._frame, self._frame + len(fragment.pts)
        planned = self._timeline.pts[first:last]
        pts = frame_times.snapped(fragment.pts, planned)
        if not fragment.sync[0] or pts[0] != planned[0]:
            raise Mismatch(f"at {planned[0] / TICKS - OFFSET_SECONDS:.3f} s no GOP begins with its key frame")
        number = bisect_right(self._timeline.cuts, first) - 1
        if number != self._number:
            self._deliver(writer)
            self._number = number
        end = self._timeline.time_after(last)
        self._gops.append(Gop(pts, end, fragment.sizes, self._path, fragment.data_at))
        self._frame = last

    def _deliver(self, writer: SegmentWriter) -> None:
        if self._gops:
            writer.write(self._number, self._gops)
        self._gops = []

    def finish(self) -> None:
        """Deliver the last segment. Raises Mismatch when frames are missing."""
        if self._writer is None or self._frame != len(self._timeline.pts):
            raise Mismatch(f"{len(self._timeline.pts)} frames were planned, {self._frame} came")
        self._deliver(self._writer)

    def iframes(self) -> tuple[KeyFrameSpans, ...]:
        """Where the key frames are, segment by segment."""
        spans = {} if self._writer is None else self._writer.iframes
        return tuple(spans.get(number, ()) for number in range(len(self._timeline.cuts)))
