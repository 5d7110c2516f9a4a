"""May the source's own frames be published as they are?

They may when

- they are H.264, 8 bit, 4:2:0, limited range, SDR, progressive, with square pixels, neither rotated nor mirrored, of a
  level up to 5.1: what every player decodes and shows the same way;
- the file is a plain MP4 or QuickTime file (one edit at most) whose key frames are IDR pictures of closed GOPs;
- no key frame is further than 10 s from the next, and there are at most as many frames a second as are published;
- the last frame need not be held for so long that a segment would last longer than that (`hold`);
- no segment takes more than 1.3 times the cap of a rendition of that size.

Then they are copied as the top rendition: no quality is lost, and a film of any length can be watched at once.
"""

from fractions import Fraction
from itertools import pairwise

from vlogd.media.ffprobe import VideoStream
from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls.ladder import HlsSettings, Rendition, cap_kbps
from vlogd.stages.hls.timeline import Timeline

_HIGHEST_LEVEL = 51
"""Level 5.1, as ffprobe writes it: 2160p at 30 frames a second (H.264, table A-1), the most that phones decode."""

_LONGEST_SEGMENT_TICKS = 10 * TICKS
"""Players buffer by segments: longer ones switch renditions late. The source decides here, so Apple's 6 s (7.5) is too
strict; ten seconds was Apple's recommended target duration for years, so players cope with it."""

_CAP_TOLERANCE = 1.3
"""Sources are mostly encoded at an average bit rate, with peaks; the caps are peaks."""

_FRAME_RATE_TOLERANCE = Fraction(101, 100)
"""60000/1001 and average rates of files with a few uneven frames count as 60."""

_SDR_TRANSFERS = ("", "unknown", "bt709", "smpte170m", "bt470bg", "iec61966-2-1", "gamma22", "gamma28")
_PROGRESSIVE = ("progressive", "unknown", "")
_PROFILES = ("Constrained Baseline", "Baseline", "Main", "High")
"""The 8-bit 4:2:0 profiles (H.264, annex A)."""


def why_not(video: VideoStream, config: HlsSettings) -> str | None:
    """What forbids a copy before anything is known of its key frames, as a sentence; None when nothing does."""
    rate = Fraction(video.frame_rate)
    tests = (
        (config.copy == "auto", "the configuration says never to copy"),
        (config.segment_format == "fmp4", "transport stream segments are made from encoded frames"),
        (video.codec == "h264" and video.profile in _PROFILES, f"its codec is {video.codec} {video.profile}".rstrip()),
        (video.pixel_format == "yuv420p" and video.color_range != "pc", f"its pixels are {video.pixel_format}"),
        (video.color_transfer in _SDR_TRANSFERS, "it is HDR"),
        (video.field_order in _PROGRESSIVE, "it is interlaced"),
        (Fraction(video.sample_aspect) == 1, "its pixels are not square"),
        (not video.turned, "it asks players to rotate it"),
        (0 < video.level <= _HIGHEST_LEVEL, f"its level is {video.level / 10:.1f}"),
        (video.width % 2 == 0 and video.height % 2 == 0, "its size is odd"),
        (not is_too_fast(rate, config), "it has too many frames a second"),
    )  # fmt: skip
    return next((f"The source is re-encoded: {why}." for passed, why in tests if not passed), None)


def is_too_fast(rate: Fraction, config: HlsSettings) -> bool:
    """Whether there are more frames a second than are published."""
    return bool(config.max_frame_rate) and rate > config.max_frame_rate * _FRAME_RATE_TOLERANCE


def why_not_cut(video: VideoStream, config: HlsSettings, timeline: Timeline) -> str | None:
    """What forbids a copy that is cut at its key frames as in `timeline`, as a sentence; None when nothing does."""
    cap = cap_kbps(min(video.width, video.height), config) * 1000 * _CAP_TOLERANCE
    lengths = [after - before for before, after in pairwise(timeline.boundaries)]
    rates = [size * 8 * TICKS / length for size, length in zip(timeline.source_bytes, lengths, strict=True)]
    longest = max(_LONGEST_SEGMENT_TICKS, config.segment_seconds * TICKS + TICKS // 2)
    if timeline.is_stretched and lengths[-1] > longest:
        # A copied frame cannot be repeated, and samples that last for minutes are something players stumble over.
        return "The source is re-encoded: its last frame has to be held for long, because its audio goes on."
    if max(lengths) > longest:
        return "The source is re-encoded: its key frames are too far apart."
    if max(rates) > cap:
        return f"The source is re-encoded: it takes up to {max(rates) / 1e6:.1f} Mbit/s."
    return None


def rendition(video: VideoStream) -> Rendition:
    """The copied frames as a rendition. It has no cap: its bit rate is measured."""
    return Rendition(f"v{min(video.width, video.height)}-copy", video.width, video.height, 0)
