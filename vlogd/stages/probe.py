"""What is in the file: its streams, its duration, its size, and the presentation time of every frame.

All other stages plan from this artifact, so that the file is analysed once. It holds

- `probe.json`: the description of the file (`ffprobe.Media`) and a summary of the scan;
- `video.pts`: the presentation times of all frames in stream ticks (sorted int64, little-endian), against which every
  encoded chunk is checked;
- `video.keys`, only when the key frames are IDR pictures of closed GOPs: the places where a copy may be cut.

ffprobe described the file when it was accepted; that description is used if it was kept. A plain MP4 has the times
in its sample table, which is trusted if ffprobe reports the same for the first packets; of other files every packet is
read. The length of an audio-only file is taken from its packets too: containers that are written while recording don't
have it, for others ffprobe estimates it from the first bit rate, and a file that was cut off has less than it says.

What a file says of its length is a claim: whatever the scan shows to be impossible is corrected, or refused.
"""

import json
from array import array
from collections.abc import Sequence, Set
from dataclasses import replace
from fractions import Fraction
from itertools import chain, pairwise

from vlogd.core.errors import Malformed, NewerFormat, ToolFailed
from vlogd.core.model import Json, Part, View
from vlogd.core.settings import NoSettings
from vlogd.media import (
    bounds,
    cut_off,
    description,
    ffmpeg,
    ffprobe,
    hidden_frames,
    mp4_index,
    read_errors,
    refusals,
)
from vlogd.media.ffprobe import Media, VideoStream
from vlogd.media.mp4_index import SampleTable
from vlogd.media.packets import REMUX_FIRST, AudioScan, PacketScan, presentation_order
from vlogd.stages import scan_facts
from vlogd.stages.artifacts import KEYS
from vlogd.stages.contract import Stage, Work
from vlogd.stages.scan_facts import ScanFacts
from vlogd.stages.workspace import Workspace

_COMPARED_PACKETS = 64
"""How many packets of the sample table are compared with ffprobe's: more than any reordering delay (H.264: 16 frames)."""

_DURATION_TOLERANCE_SECONDS = 0.1
"""A container's duration is kept when its packets agree within this: about four AAC or MP3 frames."""

_PADDING_SECONDS = 0.1
"""What outlasts the last frame by less is padding: encoders fill up their last frame, of AAC or MP3 up to 50 ms."""

_LONGEST_HOLD_SECONDS = bounds.MOST_HOURS * 3600
"""A picture that stands for longer than any film is a mistake of the container's times."""

_MOST_KEYS = 400_000
"""A key frame every 0.9 s for 100 hours. Of a film with more, its own frames are not published: plans keep all of them."""

_CUT_SECONDS = 1.0
"""Sound that ends so much earlier than its file says is missing. Rounding and padding of formats take less."""


def _parts(_work: Work[NoSettings]) -> Sequence[Part]:
    return (Part("scan"),)


def _run(_part: Part, ws: Workspace[NoSettings]) -> ScanFacts:
    media = _stored_description(ws) or ffprobe.describe(ws.film, ws.limits, ws.stop)
    claimed_seconds = media.duration_seconds
    scan: dict[str, Json] = {"frames": 0, "times_are_known": True, "remux_first": False, "keys": False}
    if media.video is None:
        media = _with_measured_duration(ws, media)
        bounds.check_duration(media.duration_seconds)
    else:
        scan, media = _scan(ws, media, media.video)
    content = {"media": media.to_json(), "scan": scan}
    ws.deliver_bytes((json.dumps(content, indent=1) + "\n").encode(), "probe.json")
    width, height = media.video.shown_size() if media.video else (None, None)
    is_cut = media.format in bounds.STATES_LENGTH and claimed_seconds - media.duration_seconds > _CUT_SECONDS
    return ScanFacts(
        round(media.duration_seconds, 3),
        width,
        height,
        media.video is None,
        round(claimed_seconds, 3) if is_cut and media.video is None else None,
        media.undecodable,
        media.video is not None and cut_off.is_cut_off(ws.film),
    )


def _stored_description(ws: Workspace[NoSettings]) -> Media | None:
    """The description from when the file was accepted; None when it wasn't stored, or is of another file."""
    if ws.described is None:
        return None
    try:
        return description.read(ws.described, ws.film.stat().st_size)
    except (OSError, Malformed, NewerFormat):
        return None


def _with_measured_duration(ws: Workspace[NoSettings], media: Media) -> Media:
    """An audio-only file with the duration of its packets, where the container's may be an estimate or missing."""
    if mp4_index.is_plain(ws.film) and _ends_as_claimed(ws, media):
        return media
    seconds = _audio_seconds(ws, media)
    if not seconds and media.format in bounds.STATES_LENGTH:  # their packets have times, if there are any
        raise refusals.NO_PACKET.error()
    agrees = not seconds or abs(seconds - media.duration_seconds) < _DURATION_TOLERANCE_SECONDS
    return media if agrees else replace(media, duration_seconds=seconds)


def _ends_as_claimed(ws: Workspace[NoSettings], media: Media) -> bool:
    """Whether an MP4's last packets are in the file, at the time at which it says that it ends. Only these are read."""
    scan = AudioScan()
    near_end = max(0.0, media.start_seconds + media.duration_seconds - _CUT_SECONDS)
    try:
        ffmpeg.probe_lines(ws.film, "-read_intervals", f"{near_end:.3f}%", *scan.ENTRIES, on_line=scan.add,
                           limits=ws.limits, stop=ws.stop)  # fmt: skip
    except ToolFailed:
        return False
    end_seconds = scan.end_seconds - media.start_seconds
    return end_seconds > media.duration_seconds - _CUT_SECONDS


def _audio_seconds(ws: Workspace[NoSettings], media: Media) -> float:
    """How long after the file's start the last audio packet ends; 0 when no packet has a time.

    Raises BadInput when there is nothing but sound, and no packet of it can be read.
    """
    scan = AudioScan()
    try:
        _scan_packets(ws, scan)
    except ToolFailed as error:
        if media.video is None:
            raise refusals.NO_PACKET.error(error.stderr_tail) from error
    return round(max(0.0, scan.end_seconds - media.start_seconds), 6)


def _later_ends(
    ws: Workspace[NoSettings], media: Media, video: VideoStream, times: "array[int]", last_ticks: int
) -> dict[str, float]:
    """When the last frame ends by the container, and when the audio does, where it is later than is usual.

    `last_frame_seconds` and `sound_seconds` (a stored name), from the file's start on. The packets of the audio are read
    only where the container's duration reaches beyond the last frame, or is missing.
    """
    tick = Fraction(video.time_base)
    begin = float(times[-1] * tick) - media.start_seconds
    usual_end = begin + min(1.0, float((times[-1] - times[-2]) * tick) if len(times) > 1 else 0.0)
    least, most = usual_end + _PADDING_SECONDS, usual_end + _LONGEST_HOLD_SECONDS
    ends = {"last_frame_seconds": round(begin + float(last_ticks * tick), 6)}
    if media.audio and not 0 < media.duration_seconds < least:
        ends["sound_seconds"] = _audio_seconds(ws, media)
    return {name: seconds for name, seconds in ends.items() if least < seconds < most}


def _scan(ws: Workspace[NoSettings], media: Media, video: VideoStream) -> tuple[dict[str, Json], Media]:
    """Deliver `video.pts` and, where a copy could be cut, `video.keys`; the summary for `probe.json`.

    Also the description, with the duration that the scan shows where the claimed one is impossible.
    """
    table = mp4_index.read(ws.film, video.index)
    if table is not None and not _agrees(table, ws, video):
        table = None
    if table is not None:
        times, unknown, last_ticks = presentation_order(table.pts), 0, table.last_ticks
    else:
        times, unknown, last_ticks = _packet_times(ws, media.format, video)
    if not times and not unknown:
        raise refusals.NO_COMPLETE_FRAME.error()
    if times:
        first, last = (float(time * Fraction(video.time_base)) for time in (times[0], times[-1]))
        bounds.check_duration(last - min(first, media.start_seconds))
    # AVI counts frames instead of giving them times, in decoding order: wrong with B-frames.
    times_are_known = not unknown and not ("avi" in media.format and video.b_frames > 0)
    if not times_are_known or media.format in REMUX_FIRST:  # its claim is what room on disks is kept for
        bounds.check_duration(media.duration_seconds)
    else:
        bounds.check_gaps(times, Fraction(video.time_base), media.start_seconds)
    _deliver(ws, times, "video.pts")
    keys = _closed_gops(ws, table) if table else None
    if keys:
        _deliver(ws, keys, KEYS)
    later = _later_ends(ws, media, video, times, last_ticks) if times else {}
    summary: dict[str, Json] = {
        "frames": len(times) + unknown,
        "times_are_known": times_are_known,
        "remux_first": media.format in REMUX_FIRST,
        "keys": bool(keys),
        **later,
    }
    scanned = unknown / float(Fraction(video.frame_rate))
    if times:
        scanned = float(times[-1] * Fraction(video.time_base)) - media.start_seconds
    seconds = bounds.credible_duration(media.duration_seconds, max([scanned, *later.values()]))
    return summary, replace(media, duration_seconds=seconds)


def _agrees(table: SampleTable, ws: Workspace[NoSettings], video: VideoStream) -> bool:
    """Whether ffprobe reports the same times and key frames as the sample table for the first packets."""
    lines: list[str] = []
    ffmpeg.probe_lines(ws.film, "-select_streams", str(video.index), "-read_intervals", f"%+#{_COMPARED_PACKETS}",
                       *PacketScan.ENTRIES, on_line=lines.append, limits=ws.limits, stop=ws.stop)  # fmt: skip
    packets = [PacketScan.fields(line) for line in lines if line]
    keys = set(table.keys[: len(packets)])  # of so many packets, no later one is among the first
    in_table = [
        [str(time), "K" if index in keys else ""] for index, time in enumerate(table.pts[: len(packets)])
    ]
    # D marks packets that an edit list hides; the sample table doesn't have them either.
    reported = [[pts, "K" if "K" in flags else ""] for pts, *_sizes, flags in packets if "D" not in flags]
    return (
        bool(reported) and reported == in_table and Fraction(video.time_base) == Fraction(1, table.timescale)
    )


def _packet_times(
    ws: Workspace[NoSettings], container: str, video: VideoStream
) -> "tuple[array[int], int, int]":
    """The times of all frames, how many packets have none, and how many ticks the last frame lasts (0: unknown)."""
    with hidden_frames.finder(ws.film, container, video.codec) as is_hidden:
        scan = PacketScan(is_hidden)
        _scan_packets(ws, scan, "-select_streams", str(video.index))
    return scan.times(), scan.unknown, scan.last_ticks


def _scan_packets(ws: Workspace[NoSettings], scan: PacketScan | AudioScan, *select: str) -> None:
    """Feed all readable packets to `scan`. Raises OSError when the disk failed, not the file."""
    try:
        ffmpeg.probe_lines(ws.film, *select, *scan.ENTRIES, on_line=scan.add, limits=ws.limits, stop=ws.stop)
    except ToolFailed:
        if not scan.has_times:
            raise
    read_errors.check(ws.film, scan.end_bytes, read_errors.ENDS_BYTES)


def _closed_gops(ws: Workspace[NoSettings], table: SampleTable) -> "array[int] | None":
    """The content of `video.keys`; None when the file may not be cut at its key frames."""
    if len(table.keys) > _MOST_KEYS or not table.gops_are_closed():
        return None
    if not mp4_index.key_frames_are_idr(ws.film, table):
        return None
    pairs = array("q")
    for key, next_key in pairwise(chain(table.keys, [len(table.pts)])):
        pairs.extend((table.pts[key], sum(table.sizes[key:next_key])))
    return pairs


def _deliver(ws: Workspace[NoSettings], values: "array[int]", name: str) -> None:
    path = ws.scratch / name
    path.write_bytes(values.tobytes())
    ws.deliver(path, name)


def _view(work: Work[NoSettings], _have: Set[str]) -> View:
    if "scan" not in work.receipts:
        return View()
    return View(facts=scan_facts.published(work.facts("scan", ScanFacts)))


STAGE = Stage(name="probe", version=3, needs=("source",), parts=_parts, run=_run, view=_view, private=True)
