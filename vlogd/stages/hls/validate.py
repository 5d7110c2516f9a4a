"""What an encode produced: validated against the plan, then delivered as segments.

Only times and positions are held in memory. The frames' bytes are read when their segment is written, so that a whole
film takes no more memory than a chunk.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlogd.media.streaming import fragment_reader, frame_times
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.frame_times import Mismatch
from vlogd.stages.hls.facts import EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition
from vlogd.stages.hls.plans import extension
from vlogd.stages.hls.segment_writer import Gop, SegmentWriter
from vlogd.stages.hls.timeline import Chunk, Timeline
from vlogd.stages.workspace import Workspace

Gops = Mapping[str, Sequence[Gop]]
"""The GOPs of each rendition, by its name."""


def encoded_path(ws: Workspace[HlsSettings], rendition: Rendition) -> Path:
    """The file in scratch that the encoder of a rendition writes."""
    return ws.scratch / f"{rendition.name}.mp4"


def read(ws: Workspace[HlsSettings], rendition: Rendition) -> list[Fragment]:
    """The fragments of an encoded rendition that contain frames."""
    with encoded_path(ws, rendition).open("rb") as file:
        init = fragment_reader.init_bytes(file)
        return [fragment for fragment, _ in fragment_reader.fragments(file, len(init)) if fragment.pts]


def exact_gops(
    timeline: Timeline, chunk: Chunk, rendition: Rendition, ws: Workspace[HlsSettings]
) -> list[Gop]:
    """A rendition's GOPs at the planned times. Raises Mismatch when a frame is missing, extra or at another time."""
    first, last = timeline.frames(chunk)
    planned = timeline.pts[first:last]
    encoded = read(ws, rendition)
    keys = timeline.key_frames(first, last)
    if len(encoded) != len(keys):
        raise Mismatch(f"{len(keys)} GOPs were planned, {len(encoded)} came")
    gops = []
    for fragment, key, next_key in zip(encoded, keys, [*keys[1:], last], strict=True):
        pts = frame_times.snapped(fragment.pts, planned[key - first : next_key - first])
        if not fragment.sync[0] or pts[0] != timeline.pts[key]:
            raise Mismatch("a GOP does not begin with its key frame")
        gops.append(_gop(ws, rendition, fragment, pts, timeline.time_after(next_key)))
    return gops


def decodable_gops(
    rendition: Rendition, chunk: Chunk, boundaries: Sequence[int], ws: Workspace[HlsSettings]
) -> list[Gop]:
    """What there is of a rendition, at its own times.

    A GOP lasts until the next one, but never beyond its segment: the segment after it may be empty.
    """
    encoded = read(ws, rendition)
    starts = [min(fragment.pts) for fragment in encoded]
    gops = []
    for fragment, start, next_start in zip(
        encoded, starts, [*starts, boundaries[chunk.last]][1:], strict=True
    ):
        segment_end = boundaries[_segment_at(start, chunk, boundaries) + 1]
        end = max(min(next_start, segment_end), max(fragment.pts) + 1)
        if fragment.sync[0]:
            gops.append(_gop(ws, rendition, fragment, list(fragment.pts), end))
    return gops


def _gop(
    ws: Workspace[HlsSettings], rendition: Rendition, fragment: Fragment, pts: list[int], end: int
) -> Gop:
    return Gop(pts, end, fragment.sizes, encoded_path(ws, rendition), fragment.data_at)


def size_bytes(gops: Sequence[Gop]) -> int:
    """How many bytes the frames of some GOPs take."""
    return sum(sum(gop.sizes) for gop in gops)


def deliver(
    renditions: Sequence[Rendition],
    gops: Gops,
    chunk: Chunk,
    boundaries: Sequence[int],
    ws: Workspace[HlsSettings],
    gops_before: int = 0,
) -> EncodeFacts:
    """Deliver the segments of a chunk, whose boundaries (published ticks) are those of the whole stream.

    `gops_before`: how many GOPs the stream has before it.
    """
    numbers = range(chunk.first, chunk.last)
    writers = {
        rendition.name: _written(rendition, gops[rendition.name], chunk, boundaries, ws, gops_before)
        for rendition in renditions
    }
    iframes = {
        name: tuple(writer.iframes.get(number, ()) for number in numbers) for name, writer in writers.items()
    }
    filled = {_segment_at(min(gop.pts), chunk, boundaries) for gop in gops[renditions[0].name]}
    empty = tuple(number for number in numbers if number not in filled)
    return EncodeFacts(iframes=iframes, empty=empty or None)


def _segment_at(tick: int, chunk: Chunk, boundaries: Sequence[int]) -> int:
    """The segment of a chunk to which a GOP belongs that begins at `tick`."""
    return min(max(bisect_right(boundaries, tick) - 1, chunk.first), chunk.last - 1)


def _written(
    rendition: Rendition,
    gops: Sequence[Gop],
    chunk: Chunk,
    boundaries: Sequence[int],
    ws: Workspace[HlsSettings],
    gops_before: int,
) -> SegmentWriter:
    """Write the segments of one rendition."""
    by_segment: dict[int, list[Gop]] = {}
    for gop in gops:
        by_segment.setdefault(_segment_at(min(gop.pts), chunk, boundaries), []).append(gop)
    with encoded_path(ws, rendition).open("rb") as file:
        init = fragment_reader.init_bytes(file)
    writer = SegmentWriter(ws, rendition.name, init, extension(ws.settings), gops_before)
    for number, members in sorted(by_segment.items()):
        writer.write(number, members)
    return writer
