"""Copies the video of a file without an index (MPEG-TS, MPEG-PS, raw streams) to MP4, so that it can be sought.

Seeking in such files lost frames in trials, and their times may begin anew in the middle.
"""

from fractions import Fraction
from pathlib import Path

from vlogd.core.errors import BadInput, ToolFailed
from vlogd.media import bounds, ffmpeg
from vlogd.media.packets import PacketScan
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages import artifacts
from vlogd.stages.hls.facts import RemuxFacts
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.plans import REMUX, REMUXED_PTS, VideoPlan
from vlogd.stages.hls.video_encode import Source
from vlogd.stages.workspace import Workspace

_REMUXED = "remux.mp4"


def run(plan: VideoPlan, ws: Workspace[HlsSettings]) -> RemuxFacts:
    """Copy the video and scan the copy. Where that fails the facts say why, and the file is encoded in one go."""
    try:
        remuxed = _remuxed(plan, ws)
    except ToolFailed as error:
        return RemuxFacts(copied=False, why=str(error))
    scan = PacketScan()
    ffmpeg.probe_lines(
        remuxed, "-select_streams", "v:0", *scan.ENTRIES, on_line=scan.add, limits=ws.limits, stop=ws.stop
    )
    times = scan.times()
    if times:
        bounds.check_duration((times[-1] - times[0]) / TICKS)
    if scan.unknown or len(times) != artifacts.read_probed(ws.inputs["probe"]).frames:
        return RemuxFacts(copied=False, why="the copy does not say when each of its pictures is shown")
    try:
        bounds.check_gaps(times, Fraction(1, TICKS), 0.0)
    except BadInput as error:  # its times may begin anew; an encode in one go joins them
        return RemuxFacts(copied=False, why=str(error))
    ws.deliver_bytes(times.tobytes(), REMUXED_PTS)
    return RemuxFacts(copied=True, time_base=f"1/{TICKS}", zero_seconds="0")


def source(plan: VideoPlan, ws: Workspace[HlsSettings]) -> Source:
    """The copy; copied again when the step's cache has lost it."""
    zero_seconds = Fraction(ws.facts(REMUX, RemuxFacts).zero_seconds)
    return Source(_remuxed(plan, ws), round(zero_seconds * TICKS), 0)


def _remuxed(plan: VideoPlan, ws: Workspace[HlsSettings]) -> Path:
    return ws.cached(_REMUXED, lambda path: _copy(plan, ws, path))


def _copy(plan: VideoPlan, ws: Workspace[HlsSettings], target: Path) -> None:
    """The video alone, with times from zero on; audio is read from the original in one pass, without seeking."""
    stream = ffmpeg.source(ws.film)[str(plan.video.index)]
    options = {
        "c": "copy",
        # Times from zero on, and not moved again when decoding times become negative by that.
        "output_ts_offset": f"{-plan.media.start_seconds:.6f}",
        "avoid_negative_ts": "disabled",
        # The clock of MPEG-TS, so that no time is rounded.
        "video_track_timescale": TICKS,
        # No muxer version and no date in the file.
        "fflags": "+bitexact",
        "f": "mp4",
    }
    # copyts: without it ffmpeg moves the times itself, for each stream.
    ffmpeg.run([ffmpeg.output(stream, target, **options)], limits=ws.limits, stop=ws.stop,
               global_options=("-copyts",))  # fmt: skip
