"""What an encode gave: held to the plan, then delivered as segments.

Only times and places are held in memory; the pictures' bytes are read when their segment is written, so
that a whole film takes no more than a chunk.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlogd.media.streaming import fragment_reader, frame_times
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.frame_times import Mismatch
from vlogd.stages.hls.facts import EncodeFacts
from vlogd.stages.hls.ladder import HlsSettings, Rendition, too_similar
from vlogd.stages.hls.plan import Plan
from vlogd.stages.hls.segment_writer import Gop, SegmentWriter
from vlogd.stages.hls.timeline import Chunk, Timeline
from vlogd.stages.workspace import Workspace


def keys_of(times: Timeline, first: int, last: int) -> Sequence[int]:
    """The key frames (numbers of pictures) from picture `first` to before `last`."""
    return times.keys[bisect_left(times.keys, first) : bisect_left(times.keys, last)]


def encoded_path(ws: Workspace[HlsSettings], size: Rendition) -> Path:
    """Where the encoder of a rendition writes, in scratch."""
    return ws.scratch / f"{size.name}.mp4"


def exact(
    plan: Plan, chunk: Chunk, size: Rendition, planned: Sequence[int], ws: Workspace[HlsSettings]
) -> list[Gop]:
    """One rendition's GOPs, held to the plan. Raises Mismatch."""
    times = plan.timeline
    assert times is not None  # noqa: S101 - a chunk comes from a timeline
    first, last = times.frames(chunk)
    encoded = read(ws, size)
    keys = keys_of(times, first, last)
    if len(encoded) != len(keys):
        raise Mismatch(f"{len(keys)} GOPs were planned, {len(encoded)} came")
    gops = []
    for fragment, key, after in zip(encoded, keys, [*keys[1:], last], strict=True):
        pts = frame_times.snapped(fragment.pts, planned[key - first : after - first])
        if not fragment.sync[0] or pts[0] != times.pts[key]:
            raise Mismatch("a GOP does not begin with its key frame")
        gops.append(_gop(ws, size, fragment, pts, times.time_after(after)))
    return gops


def as_it_came(plan: Plan, chunk: Chunk, size: Rendition, ws: Workspace[HlsSettings]) -> list[Gop]:
    """What came of one rendition, at its own times."""
    encoded = read(ws, size)
    starts = [min(fragment.pts) for fragment in encoded]
    ends = [*starts, plan.borders[chunk.last]][1:]
    return [
        _gop(ws, size, fragment, list(fragment.pts), max(end, max(fragment.pts) + 1))
        for fragment, end in zip(encoded, ends, strict=True)
        if fragment.sync[0]
    ]


def _gop(ws: Workspace[HlsSettings], size: Rendition, fragment: Fragment, pts: list[int], end: int) -> Gop:
    return Gop(pts, end, fragment.sizes, encoded_path(ws, size), fragment.data_at)


def read(ws: Workspace[HlsSettings], size: Rendition) -> list[Fragment]:
    """The fragments of an encoded rendition that hold pictures."""
    with encoded_path(ws, size).open("rb") as file:
        init = fragment_reader.init_bytes(file)
        return [fragment for fragment, _ in fragment_reader.fragments(file, len(init)) if fragment.pts]


def deliver(
    plan: Plan, chunk: Chunk, found: Mapping[str, Sequence[Gop]], ws: Workspace[HlsSettings]
) -> EncodeFacts:
    """Deliver the renditions; the first chunk finds out which are too much like another."""
    similar: list[str] = []
    if chunk.number == 0 and plan.config.skip_similar:
        similar = too_similar(plan.renditions, {name: _bytes(gops) for name, gops in found.items()})
    made = [size for size in plan.renditions if size.name not in similar]
    writers = {size.name: _written(plan, chunk, size, found[size.name], ws) for size in made}
    numbers = range(chunk.first, chunk.last)
    iframes = {
        name: tuple(writer.iframes.get(number, ()) for number in numbers) for name, writer in writers.items()
    }
    there = {_segment_of(plan, chunk, gop) for gop in found[made[0].name]}
    empty = tuple(number for number in numbers if number not in there)
    return EncodeFacts(iframes=iframes, similar=tuple(similar), empty=empty or None)


def _bytes(gops: Sequence[Gop]) -> int:
    return sum(sum(gop.sizes) for gop in gops)


def _segment_of(plan: Plan, chunk: Chunk, gop: Gop) -> int:
    return min(max(bisect_right(plan.borders, min(gop.pts)) - 1, chunk.first), chunk.last - 1)


def _written(
    plan: Plan, chunk: Chunk, size: Rendition, gops: Sequence[Gop], ws: Workspace[HlsSettings]
) -> SegmentWriter:
    """Write the segments of one rendition."""
    by_segment: dict[int, list[Gop]] = {}
    for gop in gops:
        by_segment.setdefault(_segment_of(plan, chunk, gop), []).append(gop)
    with encoded_path(ws, size).open("rb") as file:
        writer = SegmentWriter(ws, size.name, fragment_reader.init_bytes(file), plan.extension)
    for number, members in sorted(by_segment.items()):
        writer.write(number, members)
    return writer
