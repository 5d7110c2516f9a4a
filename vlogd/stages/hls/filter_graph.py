"""The ffmpeg graph of one chunk: one decode feeds all renditions.

Parallelism comes from the renditions and from several chunks at a time, not from an encoder's threads
(see `encoders`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vlogd.media import ffmpeg
from vlogd.media.encoders import Encoder
from vlogd.media.ffmpeg import Stream
from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import OFFSET_SECONDS, TICKS
from vlogd.stages.hls.ladder import HlsSettings, Rendition

GLOBAL_OPTIONS = ("-copyts", "-max_error_rate", "1")
"""Keep the source's times. A damaged file is published as far as it decodes; the gate counts."""

_TRIM_SLACK_TICKS = 10
"""Rescaling to 1/90000 may round; pictures are never closer than 750 ticks (120 a second)."""

MOVFLAGS = "+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_sidx+skip_trailer"
_INTERLACED = ("tt", "bb", "tb", "bt")


def pictures(
    source: Stream, video: VideoStream, start: int | None, end: int | None, shift: int, keep_every: int
) -> Stream:
    """The source's pictures from `start` to before `end` (source ticks of 1/90000), less `shift`.

    Deinterlacing needs neighbours, so it comes before the cut; it also halves the time base, so
    times are set to 1/90000 before they are compared.
    """
    stream = source[str(video.index)]
    if video.field_order in _INTERLACED:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    stream = stream.filter("settb", f"1/{TICKS}")
    cut: dict[str, Any] = {}
    if start is not None:
        cut["start_pts"] = start - _TRIM_SLACK_TICKS
    if end is not None:
        cut["end_pts"] = end - _TRIM_SLACK_TICKS
    if cut:
        stream = stream.filter("trim", **cut)
    if keep_every > 1:
        stream = stream.filter("select", f"not(mod(n,{keep_every}))")
    return stream.filter("setpts", f"PTS-({shift})")


def scaled(stream: Stream, video: VideoStream, sizes: Sequence[Rendition]) -> list[Stream]:
    """One stream per rendition: square pixels, limited range; SDR but for a rendition that keeps HDR."""
    plain = [size for size in sizes if not size.hdr]
    if video.hdr and len(plain) < len(sizes):
        both = stream.filter_multi_output("split", 2)
        kept = [_sized(both[1], size) for size in sizes if size.hdr]
        return [*_branches(_tone_mapped(both[0], plain[0]), plain), *kept]
    return _branches(_tone_mapped(stream, plain[0]) if video.hdr else stream, plain)


def _branches(stream: Stream, sizes: Sequence[Rendition]) -> list[Stream]:
    branches = stream.filter_multi_output("split", len(sizes)) if len(sizes) > 1 else [stream]
    return [_sized(branches[index], size) for index, size in enumerate(sizes)]


def _sized(stream: Stream, size: Rendition) -> Stream:
    stream = stream.filter("scale", size.width, size.height, flags="bicubic", out_range="tv")
    return stream.filter("setsar", "1")


def _tone_mapped(stream: Stream, largest: Rendition) -> Stream:
    """HDR (PQ or HLG, only where tagged) to BT.709, once, at the largest size that is needed."""
    stream = stream.filter("scale", largest.width, largest.height, flags="bicubic")
    stream = stream.filter("zscale", t="linear", npl=100).filter("format", "gbrpf32le")
    stream = stream.filter("zscale", p="bt709").filter("tonemap", tonemap="hable", desat=0)
    return stream.filter("zscale", t="bt709", m="bt709", r="tv").filter("format", "yuv420p")


def encoded(
    stream: Stream,
    target: Path,
    size: Rendition,
    encoder: Encoder,
    config: HlsSettings,
    keys: Mapping[str, Any],
) -> Stream:
    """One rendition of a chunk as a fragmented MP4. `keys` forces key frames and passes times."""
    return ffmpeg.output(
        encoder.prepared(stream, ten_bit=size.hdr),
        target,
        **{
            **encoder.options(config.crf, size.max_kbps, config.preset),
            **keys,
            # The default snaps times to the frame rate, by up to 21 ms.
            "enc_time_base": f"1:{TICKS}",
            "flags:v": "+bitexact",
            **muxed(),
            "output_ts_offset": OFFSET_SECONDS,
        },
    )


def muxed() -> dict[str, Any]:
    """Options of a fragmented MP4 whose times are the stream's own."""
    return {
        "video_track_timescale": TICKS,
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "avoid_negative_ts": "disabled",
        "use_editlist": 0,
        "movflags": MOVFLAGS,
        "f": "mp4",
    }


def at_times(seconds: Sequence[float]) -> dict[str, Any]:
    """Key frames at these output times, each 50 us early so that rounding cannot miss one.

    A list, because in an expression `t` counts from the first picture of the process.
    """
    return {
        "force_key_frames": ",".join(f"{max(0.0, s - 5e-5):.6f}" for s in seconds),
        "fps_mode": "passthrough",
    }


def every(seconds: int) -> dict[str, Any]:
    """Key frames every so many seconds, for a whole-file encode whose times are not known before."""
    return {"force_key_frames": f"expr:gte(t,n_forced*{seconds})", "fps_mode": "vfr"}
