"""Writes the media segments of one picture track: GOPs with exact times in, whole files out.

The format is fragmented MP4, or MPEG-TS where the configuration asks for it (each segment is then made
from the same fragments by a copy, so that both formats have the same pictures at the same times).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from vlogd.media import ffmpeg
from vlogd.media.streaming import fragment_reader, fragment_writer
from vlogd.media.streaming.tracks import INIT, OFFSET, TICKS
from vlogd.stages.hls.facts import KeyFrameSpans
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.workspace import Workspace


@dataclass(frozen=True)
class Gop:
    """Pictures shown at `pts` (decoding order, published ticks) until `end`, and where their bytes lie.

    They follow one another in the file `path` from `data_at` on; `sizes` are in bytes.
    """

    pts: Sequence[int]
    end: int
    sizes: Sequence[int]
    path: Path
    data_at: int

    def fragment(self) -> bytes:
        """As moof and mdat, read from the file now."""
        data = fragment_reader.read_span(self.path, self.data_at, sum(self.sizes))
        return fragment_writer.video_fragment(
            (self.pts[0] - OFFSET) // TICKS + 1, self.pts, self.end, self.sizes, data
        )


class SegmentWriter:
    """Delivers the segments of one track into its `folder`, below the step's folder.

    `iframes` collects where the key frames lie in each segment: offset and length in turn.
    """

    def __init__(self, ws: Workspace[HlsSettings], folder: str, init: bytes, extension: str) -> None:
        self._ws = ws
        self._folder = folder
        self._init = init
        self._extension = extension
        self.iframes: dict[int, KeyFrameSpans] = {}
        if extension == "m4s":
            ws.deliver_bytes(init, f"{folder}/{INIT}")

    def write(self, number: int, gops: Sequence[Gop]) -> None:
        """Deliver segment `number`.

        Where the picture begins later than the sound, its first one is shown from the stream's beginning on:
        players stumble over a stream whose tracks do not begin together.
        """
        if number == 0 and gops and gops[0].pts[0] > OFFSET:
            gops = [replace(gops[0], pts=[OFFSET, *gops[0].pts[1:]]), *gops[1:]]
        encoded = [gop.fragment() for gop in gops]
        name = f"{self._folder}/{number:05d}.{self._extension}"
        if self._extension != "m4s":
            self._ws.deliver_bytes(transport_stream(self._ws, self._init, encoded), name)
            return
        starts = accumulate(map(len, encoded), initial=len(fragment_writer.SEGMENT_TYPE))
        self.iframes[number] = tuple(
            value
            for start, fragment, gop in zip(starts, encoded, gops, strict=False)
            for value in (start, fragment_writer.key_frame_span(fragment, gop.sizes[0]))
        )
        self._ws.deliver_bytes(fragment_writer.segment(encoded), name)


def transport_stream(ws: Workspace[HlsSettings], init: bytes, encoded: Sequence[bytes]) -> bytes:
    """The same samples as an MPEG-TS segment that can follow any other.

    `initial_discontinuity` tells that the continuity counters begin anew (ISO/IEC 13818-1, 2.4.3.5).
    """
    source, target = ws.scratch / "segment.mp4", ws.scratch / "segment.ts"
    source.write_bytes(b"".join([init, *encoded]))
    options = {"c": "copy", "muxdelay": 0, "muxpreload": 0, "avoid_negative_ts": "disabled", "mpegts_copyts": 1,
               "mpegts_flags": "+initial_discontinuity", "fflags": "+bitexact", "f": "mpegts"}  # fmt: skip
    ffmpeg.run([ffmpeg.output(ffmpeg.raw_source(source), target, **options)], limits=ws.limits, stop=ws.stop,
               global_options=("-copyts",))  # fmt: skip
    return target.read_bytes()
