"""The ffmpeg graph of one encode: one decode feeds all renditions.

Parallelism comes from the renditions and from several chunks at a time, not from an encoder's threads, which would make
its output depend on timing (see `encoders`).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from vlogd.media import bounds, ffmpeg
from vlogd.media.encoders import Encoder
from vlogd.media.ffmpeg import Stream
from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import OFFSET_SECONDS, TICKS
from vlogd.stages.hls.ladder import HlsSettings, Rendition

GLOBAL_OPTIONS = ("-copyts", "-max_error_rate", "1")
"""`copyts`: keep the source's times, which the plan is made of. `max_error_rate`: by default ffmpeg fails when two thirds
of the frames don't decode; a damaged file is published as far as it decodes, and validation counts."""

_TRIM_SLACK_TICKS = 10
"""Rescaling to 1/90000 may round by one tick; frames are never closer than 750 ticks (120 a second)."""

_MOVFLAGS = "+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_sidx+skip_trailer"
"""`frag_keyframe`: a fragment for each GOP. `empty_moov`: the header holds no samples and is written first.
`default_base_moof`: data offsets count from their moof, as CMAF and MSE require. `frag_discont`: a fragment has the time
of its first frame, not the sum of the durations before. `skip_sidx`, `skip_trailer`: no indexes, which nothing here reads."""

_SCALER = "bicubic+accurate_rnd"
"""bicubic is the scaler's default, written down so that no version's default changes the bytes. accurate_rnd: without it the
rounding depends on the processor's instruction sets (docs/decisions/0031)."""

EVERY_FRAME: Mapping[str, Any] = {"fps_mode": "passthrough"}
"""Output options: frames are neither dropped nor repeated."""

_LOWEST_FRAME_RATE = Fraction(1, bounds.MOST_GAP_HOURS * 3600)
"""Frames a second, with the longest distance that is published."""

_INTERLACED = ("tt", "bb", "tb", "bt")
"""ffprobe's `field_order` of interlaced video: which field is coded and displayed first."""

_KEY_FRAME_EARLY_SECONDS = 5e-5
"""Key frames are forced this much early, so that rounding to microseconds can't miss a frame."""


def frames(
    source: Stream, video: VideoStream, start: int | None, end: int | None, shift: int, keep_every: int
) -> Stream:
    """The source's frames from `start` to before `end` (source time in ticks of 1/90000), moved back by `shift`.

    Deinterlacing needs the neighbouring frames, so it comes before the cut. It also halves the time base, so the time
    base is set before times are compared. A shift of 0 adds no filter: ffmpeg 7's setpts forgets the frame rate, which
    encoders need (see `split_shift`).
    """
    stream = source[str(video.index)]
    if video.field_order in _INTERLACED:
        # send_frame: one frame for two fields. deint=interlaced: only frames that are marked as interlaced.
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
    return stream.filter("setpts", f"PTS-({shift})") if shift else stream


def repeated(stream: Stream, count: int) -> Stream:
    """The first frame of `stream`, `count` times; the times are of no account."""
    return stream.filter("trim", end_frame=1).filter("tpad", stop=count - 1, stop_mode="clone")


def split_shift(earliest: int, zero: int) -> tuple[int, int]:
    """How much of `zero`, the source's time that is published as zero, a filter and the muxer take off (ticks).

    The muxer, because behind ffmpeg 7's setpts encoders know no frame rate and take the time base for it: x264 would
    claim level 6.2, SVT-AV1 refuses 90,000 frames a second. Only where a frame is shown before time 0, in few
    containers, the filter does it: not every encoder takes negative times. `earliest`: the first frame's source time.
    """
    return (zero, 0) if earliest < 0 else (0, zero)


def scaled(stream: Stream, video: VideoStream, ladder: Sequence[Rendition]) -> list[Stream]:
    """A stream for each rendition: square pixels, limited range, and SDR unless the rendition keeps HDR."""
    sdr = [rendition for rendition in ladder if not rendition.hdr]
    if video.hdr and len(sdr) < len(ladder):
        both = stream.filter_multi_output("split", 2)
        kept = [_sized(both[1], rendition) for rendition in ladder if rendition.hdr]
        return [*_branches(_tone_mapped(both[0], sdr[0]), sdr), *kept]
    return _branches(_tone_mapped(stream, sdr[0]) if video.hdr else stream, sdr)


def _branches(stream: Stream, ladder: Sequence[Rendition]) -> list[Stream]:
    branches = stream.filter_multi_output("split", len(ladder)) if len(ladder) > 1 else [stream]
    return [_sized(branches[index], rendition) for index, rendition in enumerate(ladder)]


def _sized(stream: Stream, rendition: Rendition) -> Stream:
    # Limited range ("tv") is what players assume. The sizes are for square pixels; setsar removes what rounding leaves of
    # an aspect ratio.
    stream = stream.filter("scale", rendition.width, rendition.height, flags=_SCALER, out_range="tv")
    return stream.filter("setsar", "1")


def _tone_mapped(stream: Stream, largest: Rendition) -> Stream:
    """HDR (PQ or HLG, only where tagged) to BT.709, once, at the largest size that is needed.

    Tone mapping works on linear light, in floating point, with 100 cd/m² as the white of SDR (`npl`). Hable's curve
    keeps details in highlights; `desat=0` keeps their colour.
    """
    stream = stream.filter("scale", largest.width, largest.height, flags=_SCALER)
    stream = stream.filter("zscale", t="linear", npl=100).filter("format", "gbrpf32le")
    stream = stream.filter("zscale", p="bt709").filter("tonemap", tonemap="hable", desat=0)
    return stream.filter("zscale", t="bt709", m="bt709", r="tv").filter("format", "yuv420p")


def encoded(
    stream: Stream,
    target: Path,
    rendition: Rendition,
    encoder: Encoder,
    config: HlsSettings,
    frame_rate: Fraction,
    key_frames: Mapping[str, Any],
    shift: int,
) -> Stream:
    """One rendition as a fragmented MP4. `key_frames` are the options that force them (`key_frames_at` or `_every`).

    The muxer moves the times back by `shift` ticks.
    """
    return ffmpeg.output(
        encoder.prepared(stream, ten_bit=rendition.hdr),
        target,
        **{
            **encoder.options(config.crf, rendition.max_kbps, config.preset, frame_rate),
            **key_frames,
            # By default times are rounded to the frame rate, by up to 21 ms.
            "enc_time_base": f"1:{TICKS}",
            # A rate that the container makes up would be the length of a last frame, which no muxer can say.
            **({} if frame_rate > _LOWEST_FRAME_RATE else {"r": 1}),
            # No encoder version in the stream: it would change the bytes with every ffmpeg.
            "flags:v": "+bitexact",
            **mp4_options(),
            "movflags": _MOVFLAGS + encoder.movflags,
            "output_ts_offset": f"{OFFSET_SECONDS - shift / TICKS:.6f}",
        },
    )


def mp4_options() -> dict[str, Any]:
    """Output options of a fragmented MP4 whose times are the stream's own."""
    return {
        "video_track_timescale": TICKS,
        # Titles, camera data and chapters of the source don't belong into segments.
        "map_metadata": -1,
        "map_chapters": -1,
        # No muxer version and no date in the file.
        "fflags": "+bitexact",
        # Times stay as they are: neither moved when one is negative, nor explained by an edit list.
        "avoid_negative_ts": "disabled",
        "use_editlist": 0,
        "movflags": _MOVFLAGS,
        "f": "mp4",
    }


def key_frames_at(seconds: Sequence[float]) -> dict[str, Any]:
    """Key frames at these times, as the encoder counts them, and every frame at its own time.

    A list of times, because in an expression `t` counts from the first frame of the process.
    """
    times = ",".join(f"{max(0.0, time - _KEY_FRAME_EARLY_SECONDS):.6f}" for time in seconds)
    return {"force_key_frames": times, **EVERY_FRAME}


def key_frames_every(seconds: int) -> dict[str, Any]:
    """Key frames at intervals, for an encode whose times are not known before; `vfr` drops frames of equal time."""
    return {"force_key_frames": f"expr:gte(t,n_forced*{seconds})", "fps_mode": "vfr"}
