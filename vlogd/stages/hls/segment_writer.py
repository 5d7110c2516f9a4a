"""Writes the media segments of one video rendition: GOPs with exact times go in, whole files come out.

The format is fragmented MP4, or MPEG-TS where the configuration asks for it. A transport stream segment is made from the
same fragments by a copy, so that both formats have the same frames at the same times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from vlogd.media import ffmpeg
from vlogd.media.streaming import fragment_reader, fragment_writer
from vlogd.media.streaming.tracks import INIT, OFFSET
from vlogd.stages.hls.facts import KeyFrameSpans
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.workspace import Workspace


@dataclass(frozen=True)
class Gop:
    """Frames that are presented at `pts` (decoding order, published ticks) until `end`, and where their bytes are.

    They follow one another in the file `path` from `data_at` on; `sizes` are in bytes.
    """

    pts: Sequence[int]
    end: int
    sizes: Sequence[int]
    path: Path
    data_at: int

    def fragment(self, number: int) -> bytes:
        """As moof and mdat, read from the file now."""
        data = fragment_reader.read_span(self.path, self.data_at, sum(self.sizes))
        return fragment_writer.video_fragment(number, self.pts, self.end, self.sizes, data)


class SegmentWriter:
    """Delivers the segments of one rendition into its `folder`, below the step's folder.

    `gops_before`: how many GOPs precede the first one that is written; fragments are numbered on from there, because some
    players take a gap between the numbers (`mfhd`) for a lost fragment. `iframes` collects where the key frames are in
    each segment.
    """

    def __init__(
        self, ws: Workspace[HlsSettings], folder: str, init: bytes, extension: str, gops_before: int = 0
    ) -> None:
        self._ws = ws
        self._folder = folder
        self._init = init
        self._extension = extension
        self._gops = gops_before
        self.iframes: dict[int, KeyFrameSpans] = {}
        if extension == "m4s":
            ws.deliver_bytes(init, f"{folder}/{INIT}")

    def write(self, number: int, gops: Sequence[Gop]) -> None:
        """Deliver segment `number`. Segments come in order.

        Where the video begins later than the audio, its first frame is presented from the stream's beginning on,
        because players stumble over tracks that don't begin together.
        """
        if number == 0 and gops and gops[0].pts[0] > OFFSET:
            gops = [replace(gops[0], pts=[OFFSET, *gops[0].pts[1:]]), *gops[1:]]
        fragments = [gop.fragment(count) for count, gop in enumerate(gops, self._gops + 1)]
        self._gops += len(gops)
        name = f"{self._folder}/{number:05d}.{self._extension}"
        if self._extension != "m4s":
            self._ws.deliver_bytes(transport_stream(self._ws, self._init, fragments), name)
            return
        offsets = accumulate(map(len, fragments), initial=len(fragment_writer.SEGMENT_TYPE))
        self.iframes[number] = tuple(
            value
            for offset, fragment, gop in zip(offsets, fragments, gops, strict=False)
            for value in (offset, fragment_writer.key_frame_span(fragment, gop.sizes[0]))
        )
        self._ws.deliver_bytes(fragment_writer.segment(fragments), name)


def transport_stream(ws: Workspace[HlsSettings], init: bytes, fragments: Sequence[bytes]) -> bytes:
    """The same samples as an MPEG-TS segment that can follow any other."""
    source, target = ws.scratch / "segment.mp4", ws.scratch / "segment.ts"
    source.write_bytes(b"".join([init, *fragments]))
    options = {
        "c": "copy",
        # Times stay as they are: no start delay of the muxer's own (0.7 s by default), no shift to zero.
        "muxdelay": 0,
        "muxpreload": 0,
        "avoid_negative_ts": "disabled",
        "mpegts_copyts": 1,
        # The continuity counters begin anew in each segment (ISO/IEC 13818-1, 2.4.3.5).
        "mpegts_flags": "+initial_discontinuity",
        # No muxer version in the file.
        "fflags": "+bitexact",
        "f": "mpegts",
    }
    ffmpeg.run([ffmpeg.output(ffmpeg.raw_source(source), target, **options)], limits=ws.limits, stop=ws.stop,
               global_options=("-copyts",))  # fmt: skip
    return target.read_bytes()
