"""Writes media segments with exact times: `styp`, then one `moof` and `mdat` for each GOP.

Only what ISO/IEC 14496-12 calls for in a media segment (CMAF, ISO/IEC 23000-19). The `moof` is rewritten, because
ffmpeg guesses the last duration of a fragment and knows nothing of the next one's first frame.
"""

import struct
from collections.abc import Sequence

from vlogd.media.streaming.frame_times import decode_times

SYNC = 0x02000000
"""Sample flags: depends on no other sample (ISO/IEC 14496-12, 8.8.3.1)."""
NOT_SYNC = 0x01010000
"""Sample flags: depends on others, is not a sync sample."""

_HEADER_BYTES = 8
_TRACK_ID = 1
"""The number that ffmpeg's mp4 muxer gives to the only track of a file; the init segment is ffmpeg's."""
_TFHD_DEFAULT_BASE_IS_MOOF, _TFHD_DURATION, _TFHD_FLAGS = 0x020000, 0x8, 0x20
"""Flags of `tfhd`: data offsets count from the moof, and what is given once for all samples (8.8.7.1)."""
_TRUN_DATA_OFFSET, _TRUN_SIZES = 0x1, 0x200
_TRUN_ALL = 0xF00
"""Flags of `trun`: each row has a duration, a size, flags and a composition offset (8.8.8.1)."""


def video_fragment(number: int, pts: Sequence[int], end: int, sizes: Sequence[int], data: bytes) -> bytes:
    """One GOP as moof and mdat: frames shown at `pts` (ticks, decoding order) until `end`. Raises Mismatch."""
    times = decode_times(pts)
    durations = [after - before for before, after in zip(times, [*times[1:], end], strict=True)]
    rows = b"".join(
        struct.pack(">IIII", duration, size, NOT_SYNC if index else SYNC, time - dts)
        for index, (duration, size, time, dts) in enumerate(zip(durations, sizes, pts, times, strict=True))
    )
    tfhd = _full_box(b"tfhd", 0, _TFHD_DEFAULT_BASE_IS_MOOF, struct.pack(">I", _TRACK_ID))
    return _fragment(number, times[0], tfhd, _TRUN_DATA_OFFSET | _TRUN_ALL, len(pts), rows, data)


def audio_fragment(number: int, time: int, duration: int, sizes: Sequence[int], data: bytes) -> bytes:
    """Audio frames of equal `duration` from `time` on (ticks of the track), as moof and mdat."""
    rows = struct.pack(f">{len(sizes)}I", *sizes)
    flags = _TFHD_DEFAULT_BASE_IS_MOOF | _TFHD_DURATION | _TFHD_FLAGS
    tfhd = _full_box(b"tfhd", 0, flags, struct.pack(">III", _TRACK_ID, duration, SYNC))
    return _fragment(number, time, tfhd, _TRUN_DATA_OFFSET | _TRUN_SIZES, len(sizes), rows, data)


def segment(fragments: Sequence[bytes]) -> bytes:
    """A media segment: `styp` and its fragments."""
    return b"".join([SEGMENT_TYPE, *fragments])


def key_frame_span(fragment: bytes, key_frame_bytes: int) -> int:
    """How many bytes of a `video_fragment` a player needs to show its key frame: moof, mdat's header, the frame."""
    return int.from_bytes(fragment[:4], "big") + _HEADER_BYTES + key_frame_bytes


def _fragment(
    number: int, time: int, tfhd: bytes, run_flags: int, count: int, rows: bytes, data: bytes
) -> bytes:
    def moof(data_offset: int) -> bytes:
        trun = _full_box(b"trun", 0, run_flags, struct.pack(">Ii", count, data_offset) + rows)
        tfdt = _full_box(b"tfdt", 1, 0, struct.pack(">Q", time))
        mfhd = _full_box(b"mfhd", 0, 0, struct.pack(">I", number))
        return _box(b"moof", mfhd + _box(b"traf", tfhd + tfdt + trun))

    moof_bytes = len(moof(0))
    return moof(moof_bytes + _HEADER_BYTES) + _box(b"mdat", data)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + _HEADER_BYTES, kind) + body


def _full_box(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)


SEGMENT_TYPE = _box(b"styp", b"msdh" + bytes(4) + b"msdhmsix")
"""What each media segment begins with: the brands of a media segment with an index of its own or none (8.16.2)."""
