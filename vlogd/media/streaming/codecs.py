"""An init segment's description of its track: codec, timescale, frame size (ISO/IEC 14496-12, 8.4 and 8.5.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vlogd.media import isobmff
from vlogd.media.isobmff import BoxError

_AAC_LC = "mp4a.40.2"
_VISUAL_ENTRY_BYTES = 78
"""What a VisualSampleEntry holds before its boxes (12.1.3); `_SIZE_AT` is where width and height stand in it."""
_SIZE_AT = 24
_AUDIO_ENTRY_BYTES = 28
"""What an AudioSampleEntry holds before its boxes (12.2.3)."""
_STSD_HEAD_BYTES = 8
"""Version, flags and the number of entries, before the first of them (8.5.2)."""
_HANDLER_AT = 8
"""Offset of the track's kind in `hdlr` (8.4.3)."""


@dataclass(frozen=True)
class InitTrack:
    """The first video track of an init segment, or else its first track.

    `timescale`: ticks a second. `sample_entry`: its four letters; avc1, hvc1 and av01 keep parameter sets out of the
    samples (Apple 1.10). `codec`: the entry for CODECS (RFC 6381), "" for a codec that vlogd does not write.
    `frame_size`: width and height in pixels, None for audio.
    """

    is_video: bool
    timescale: int
    sample_entry: str
    codec: str
    frame_size: tuple[int, int] | None


def init_track(init: bytes) -> InitTrack:
    """The track that an init segment describes. Raises BoxError when the segment makes no sense."""
    moov = isobmff.child(memoryview(init), b"moov")
    tracks = [isobmff.child(trak, b"mdia") for kind, trak in isobmff.children(moov) if kind == b"trak"]
    if not tracks:
        raise BoxError("there is no trak box")
    mdia = next((mdia for mdia in tracks if _is_video(mdia)), tracks[0])
    timescale = isobmff.timescale_of(isobmff.child(mdia, b"mdhd"))
    kind, entry = first_sample_entry(isobmff.child(mdia, b"minf", b"stbl", b"stsd"))
    is_video = _is_video(mdia)
    frame_size: tuple[int, int] | None = None
    if is_video:
        width, height = isobmff.fields("HH", entry, _SIZE_AT)
        frame_size = (width, height)
    codec = _video_codec(entry) if is_video else _AAC_LC if _original_format(kind, entry) == b"mp4a" else ""
    return InitTrack(is_video, timescale, kind.decode("ascii", "replace"), codec, frame_size)


def codec(init: bytes) -> str:
    """The CODECS entry of an init segment: H.264, HEVC, AV1 or AAC. "" for anything else."""
    try:
        return init_track(init).codec
    except BoxError:
        return ""


def first_sample_entry(stsd: memoryview) -> tuple[bytes, memoryview]:
    """Type and body of the first sample entry. Raises BoxError when there is none."""
    entry = next(isobmff.children(stsd[_STSD_HEAD_BYTES:]), None)
    if entry is None:
        raise BoxError("the sample description has no entry")
    return entry


def visual_entry_boxes(entry: memoryview) -> memoryview:
    """The boxes of a VisualSampleEntry, among them the decoder configuration."""
    return entry[_VISUAL_ENTRY_BYTES:]


def _is_video(mdia: memoryview) -> bool:
    return bytes(isobmff.child(mdia, b"hdlr")[_HANDLER_AT : _HANDLER_AT + 4]) == b"vide"


def _original_format(kind: bytes, entry: memoryview) -> bytes:
    """The sample entry's type; of an encrypted track the one that it had before (8.12.2)."""
    if kind != b"enca":
        return kind
    return bytes(isobmff.child(entry[_AUDIO_ENTRY_BYTES:], b"sinf", b"frma")[:4])


def _video_codec(entry: memoryview) -> str:
    boxes = visual_entry_boxes(entry)
    for kind, body in isobmff.children(boxes):
        if kind in _CONFIGURATIONS:
            needed, spell = _CONFIGURATIONS[kind]
            if len(body) < needed:
                raise BoxError(f"{kind.decode()} of {len(body)} bytes is too short")
            return spell(bytes(body))
    return ""


def _avc(config: bytes) -> str:
    """ISO/IEC 14496-15, 5.3.3.1: profile, compatibility and level in hexadecimal."""
    return f"avc1.{config[1:4].hex()}"


def _hevc(config: bytes) -> str:
    """ISO/IEC 14496-15, annex E: the compatibility flags are written in reverse bit order."""
    space = ("", "A", "B", "C")[config[1] >> 6]
    tier = "H" if config[1] & 0x20 else "L"
    flags = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    constraints = config[6:12].rstrip(b"\0")
    parts = [
        f"hvc1.{space}{config[1] & 0x1F}",
        f"{flags:X}",
        f"{tier}{config[12]}",
        *(f"{byte:X}" for byte in constraints),
    ]
    return ".".join(parts)


def _av1(config: bytes) -> str:
    """AV1 in ISOBMFF, 5: profile, level with tier, bit depth."""
    profile, level = config[1] >> 5, config[1] & 0x1F
    tier = "H" if config[2] & 0x80 else "M"
    high, twelve = config[2] & 0x40, config[2] & 0x20
    depth = 12 if high and twelve else 10 if high else 8
    return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"


_CONFIGURATIONS: Mapping[bytes, tuple[int, Callable[[bytes], str]]] = {
    b"avcC": (4, _avc),
    b"hvcC": (13, _hevc),
    b"av1C": (3, _av1),
}
"""The boxes with a decoder configuration, the bytes of each that name the codec, and how it is spelt."""
