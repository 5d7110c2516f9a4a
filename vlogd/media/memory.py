"""How much memory ffmpeg takes at most, roughly, by the pixels that it decodes and encodes.

What is allowed for all tools together, the scheduler keeps to (`limits.memory_mebibytes`).

The figures are resident memory as measured (docs/benchmarks.md), rounded up by a fifth or more: what is reserved must not be
less than what is used.
"""

from collections.abc import Mapping

from vlogd.core import machine
from vlogd.media.encoders import Codec
from vlogd.media.ffprobe import VideoStream
from vlogd.media.process import Limits

_MEBIBYTE = 1 << 20
_MEGAPIXEL = 1_000_000

_SHARE = 0.6
"""Of the machine's memory, for all tools: the rest is for the system, the daemon, and the cache of files."""

PROCESS_BYTES = 64 * _MEBIBYTE
"""Of an ffmpeg that does nothing yet: its code and buffers."""

_DECODE_MEBIBYTES = 30.0
"""For each megapixel of the source with 8 bits and 4:2:0: reference frames, those that four threads decode, and those that wait
in the filter graph. Measured: 19."""

_TONE_MAP_MEBIBYTES = 100.0
"""For each megapixel: frames in floating point, three planes of four bytes, in each of five filters."""

_X264_MEBIBYTES: Mapping[str, float] = {
    "ultrafast": 80.0, "superfast": 80.0, "veryfast": 80.0, "faster": 120.0, "fast": 150.0, "medium": 190.0, "slow": 220.0,
    "slower": 260.0, "veryslow": 300.0,
}  # fmt: skip
"""For each megapixel, by preset, which says how many frames x264 looks ahead. Measured: veryfast 67 to 78, medium 161, slow 166."""

_OTHER_MEBIBYTES: Mapping[str, float] = {"hevc": 250.0, "av1": 200.0}
"""The same, for any preset. Measured at veryfast: x265 155, SVT-AV1 160, libaom 36."""


def for_all(configured_mebibytes: int | None) -> int | None:
    """What all tools may take together (`limits.memory_mebibytes`); None for any amount."""
    if configured_mebibytes is None:
        return round(machine.memory_bytes() * _SHARE)
    return configured_mebibytes * _MEBIBYTE or None


def address_space(configured_mebibytes: int | None) -> int:
    """The bound of each tool by itself, should an estimate be wrong; 0 for none.

    An address space is larger than the memory that is used of it, so the default does not follow the machine's memory.
    """
    return Limits().memory_bytes if configured_mebibytes is None else configured_mebibytes * _MEBIBYTE


def decoding(video: VideoStream) -> int:
    """Bytes for decoding a stream, ffmpeg itself included."""
    samples = _depth_factor(video.pixel_format) * _chroma_factor(video.pixel_format)
    return decoding_pixels(round(video.width * video.height * samples))


def decoding_pixels(pixels: int) -> int:
    """The same for frames of so many pixels with 8 bits and 4:2:0."""
    return PROCESS_BYTES + _bytes(pixels, _DECODE_MEBIBYTES)


def tone_mapping(width: int, height: int) -> int:
    """Bytes for turning HDR into SDR at this size, in addition."""
    return _bytes(width * height, _TONE_MAP_MEBIBYTES)


def encoding(width: int, height: int, codec: Codec, preset: str, *, ten_bit: bool) -> int:
    """Bytes for encoding one rendition, in addition."""
    mebibytes = _X264_MEBIBYTES[preset] if codec == "h264" else _OTHER_MEBIBYTES[codec]
    return _bytes(width * height, mebibytes * (2 if ten_bit else 1))


def _bytes(pixels: int, mebibytes: float) -> int:
    return round(pixels / _MEGAPIXEL * mebibytes * _MEBIBYTE)


def _depth_factor(pixel_format: str) -> float:
    """Samples of more than 8 bits take two bytes."""
    return (
        2.0
        if any(depth in pixel_format for depth in ("9le", "10", "12le", "14le", "16le", "48", "64"))
        else 1.0
    )


def _chroma_factor(pixel_format: str) -> float:
    """Samples for each pixel, as a share of those of 4:2:0, which are one and a half."""
    if any(name in pixel_format for name in ("420", "411", "410", "nv12", "p010", "gray")):
        return 1.0
    return 4 / 3 if "422" in pixel_format else 8 / 3  # the largest: four planes
