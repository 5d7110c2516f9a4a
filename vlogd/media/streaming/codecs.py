"""The CODECS entry of an init segment's track (RFC 6381), from its decoder configuration."""

import struct

_AAC_LC = "mp4a.40.2"


def codec(init: bytes) -> str:
    """For H.264 (avcC), HEVC (hvcC), AV1 (av1C) or AAC. "" for anything else."""
    for box, spell in ((b"avcC", _avc), (b"hvcC", _hevc), (b"av1C", _av1)):
        at = init.find(box)
        if at >= 0:
            return spell(init[at + len(box) :])
    return _AAC_LC if b"mp4a" in init else ""


def sample_entry(init: bytes) -> str:
    """The four letters of the track's sample entry: avc1, hvc1 and av01 keep parameters out of the samples [1.10]."""
    at = init.find(b"stsd")
    return init[at + 16 : at + 20].decode("ascii", "replace") if at >= 0 else ""


def timescale(init: bytes) -> int:
    """Ticks a second of the (only) track; 0 when there is no media header."""
    at = init.find(b"mdhd")
    if at < 0:
        return 0
    (ticks,) = struct.unpack_from(">I", init, at + (24 if init[at + 4] else 16))
    return int(ticks)


def picture_size(init: bytes) -> tuple[int, int] | None:
    """Width and height of a picture track's sample entry (ISO/IEC 14496-12, 12.1.3)."""
    at = init.find(b"stsd")
    if at < 0 or b"vide" not in init:
        return None
    width, height = struct.unpack_from(">HH", init, at + 44)
    return width, height


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
        *(f"{b:X}" for b in constraints),
    ]
    return ".".join(parts)


def _av1(config: bytes) -> str:
    """AV1 in ISOBMFF, 5: profile, level with tier, bit depth."""
    profile, level = config[1] >> 5, config[1] & 0x1F
    tier = "H" if config[2] & 0x80 else "M"
    high, twelve = config[2] & 0x40, config[2] & 0x20
    depth = 12 if high and twelve else 10 if high else 8
    return f"av01.{profile}.{level:02d}{tier}.{depth:02d}"
