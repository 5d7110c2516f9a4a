"""The "standard" test: may the source's own pictures be published as they are?

- H.264, 8 bit, 4:2:0, limited range, SDR, progressive, square pixels, not turned or mirrored, level up to 5.1;
- a plain MP4 or QuickTime file (one edit at most) whose key frames are IDR pictures of closed GOPs;
- no key frame further than 10 s from the next, at most as many pictures a second as are published;
- in no segment more bits than 1.3 times the cap of a rendition of that size.

Then it is copied as the top rendition: no quality is lost, and a film of any length can be watched at once.
"""

from fractions import Fraction
from itertools import pairwise

from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls.ladder import HlsSettings, Rendition, cap_kbps
from vlogd.stages.hls.timeline import Timeline

_HIGHEST_LEVEL = 51
_LONGEST_GAP = 10 * TICKS
_OVER_CAP = 1.3
_SDR_TRANSFERS = ("", "unknown", "bt709", "smpte170m", "bt470bg", "iec61966-2-1", "gamma22", "gamma28")
_PROGRESSIVE = ("progressive", "unknown", "")
_PROFILES = ("Constrained Baseline", "Baseline", "Main", "High")


def why_not(video: VideoStream, config: HlsSettings) -> str | None:
    """What forbids a copy before anything is known of its key frames; None when nothing does."""
    rate = Fraction(video.frame_rate)
    tests = (
        (config.copy == "auto", "the configuration says never"),
        (config.segment_format == "fmp4", "transport stream segments are made from encoded pictures"),
        (video.codec == "h264" and video.profile in _PROFILES, f"its codec is {video.codec} {video.profile}".rstrip()),
        (video.pixel_format == "yuv420p" and video.color_range != "pc", f"its pixels are {video.pixel_format}"),
        (video.color_transfer in _SDR_TRANSFERS, "it is HDR"),
        (video.field_order in _PROGRESSIVE, "it is interlaced"),
        (Fraction(video.sample_aspect) == 1, "its pixels are not square"),
        (not video.turned, "players are asked to turn it"),
        (0 < video.level <= _HIGHEST_LEVEL, f"its level is {video.level / 10:.1f}"),
        (video.width % 2 == 0 and video.height % 2 == 0, "its size is odd"),
        (not config.max_frame_rate or rate <= config.max_frame_rate * Fraction(101, 100), "it has too many pictures a second"),
    )  # fmt: skip
    return next((f"The source is encoded anew: {why}." for passed, why in tests if not passed), None)


def why_not_cut(video: VideoStream, config: HlsSettings, timeline: Timeline) -> str | None:
    """What forbids a copy by its key frames, whose cuts are in `timeline`."""
    cap = cap_kbps(min(video.width, video.height), config) * 1000 * _OVER_CAP
    borders = timeline.borders
    lengths = [after - before for before, after in pairwise(borders)]
    rates = [size * 8 * TICKS / length for size, length in zip(timeline.source_bytes, lengths, strict=True)]
    if max(lengths) > max(_LONGEST_GAP, config.segment_seconds * TICKS + TICKS // 2):
        return "The source is encoded anew: its key frames are too far apart."
    if max(rates) > cap:
        return f"The source is encoded anew: it takes up to {max(rates) / 1e6:.1f} Mbit/s."
    return None


def rendition(video: VideoStream) -> Rendition:
    """The copied pictures as a rendition. Their rate is measured."""
    return Rendition(f"v{min(video.width, video.height)}-copy", video.width, video.height, 0)
