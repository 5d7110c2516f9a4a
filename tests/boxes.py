"""Builds ISO base media files box by box, also such as no encoder writes."""

import struct
from collections.abc import Mapping, Sequence

FRAME_BYTES = 10
"""Each sample of `movie`: an IDR slice in one NAL unit, and filler."""
SAMPLE = struct.pack(">IB", FRAME_BYTES - 4, 0x65) + bytes(FRAME_BYTES - 5)


def box(kind: bytes, *bodies: bytes) -> bytes:
    """A box with a 32-bit size."""
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def long_box(kind: bytes, body: bytes) -> bytes:
    """A box with a 64-bit size."""
    return struct.pack(">I4sQ", 1, kind, 16 + len(body)) + body


def full_box(kind: bytes, version: int, flags: int, *bodies: bytes) -> bytes:
    """A box that begins with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


def table(kind: bytes, *rows: Sequence[int]) -> bytes:
    """A sample table: a count, and rows of 32-bit numbers."""
    numbers = [number for row in rows for number in row]
    return full_box(kind, 0, 0, struct.pack(f">I{len(numbers)}I", len(rows), *numbers))


def media_header(timescale: int = 90_000) -> bytes:
    """`mdhd`, version 0."""
    return full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0))


def handler(kind: bytes = b"vide") -> bytes:
    """`hdlr`."""
    return full_box(b"hdlr", 0, 0, bytes(4), kind, bytes(13))


def h264_entry(width: int = 192, height: int = 108) -> bytes:
    """An `avc1` sample entry with its configuration: High profile, level 4.0, lengths of four bytes."""
    fields = bytes(24) + struct.pack(">HH", width, height) + bytes(50)
    return box(b"avc1", fields, box(b"avcC", bytes((1, 0x64, 0, 0x28, 0xFF, 0xE1))))


def aac_entry() -> bytes:
    """An `mp4a` sample entry."""
    return box(b"mp4a", bytes(28), full_box(b"esds", 0, 0, bytes(8)))


def sample_description(*entries: bytes) -> bytes:
    """`stsd`."""
    return full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


def track(tables: Mapping[bytes, bytes], *, header: bytes | None = None, kind: bytes = b"vide") -> bytes:
    """`trak` with these boxes in its sample table; one that is b"" is left out."""
    stbl = box(b"stbl", *tables.values())
    return box(
        b"trak",
        box(b"mdia", media_header() if header is None else header, handler(kind), box(b"minf", stbl)),
    )


def tables(samples: int, first_byte: int) -> dict[bytes, bytes]:
    """The boxes of a sample table: frames of 1/25 s, every fifth a key frame, in one chunk."""
    keys = [(number,) for number in range(1, samples + 1, 5)]
    sizes = struct.pack(f">II{samples}I", 0, samples, *[FRAME_BYTES] * samples)
    return {
        b"stsd": sample_description(h264_entry()),
        b"stts": table(b"stts", (samples, 3600)),
        b"stss": table(b"stss", *keys),
        b"stsc": table(b"stsc", (1, samples, 1)),
        b"stsz": full_box(b"stsz", 0, 0, sizes),
        b"stco": table(b"stco", (first_byte,)),
    }


def movie(samples: int = 20, *, header: bytes | None = None, **replaced: bytes) -> bytes:
    """A plain MP4 of one H.264 track. `replaced`: other boxes for the sample table, b"" to leave one out."""
    ftyp = box(b"ftyp", b"isom\0\0\2\0isomavc1")
    mdat = box(b"mdat", SAMPLE * samples)
    known = {**tables(samples, len(ftyp) + 8), **{name.encode(): value for name, value in replaced.items()}}
    movie_header = full_box(b"mvhd", 0, 0, struct.pack(">IIII", 0, 0, 1000, 0), bytes(80))
    return ftyp + mdat + box(b"moov", movie_header, track(known, header=header))


def init_segment(*, entry: bytes | None = None, header: bytes | None = None, kind: bytes = b"vide") -> bytes:
    """`ftyp` and `moov` of a fragmented MP4."""
    stsd = sample_description(h264_entry() if entry is None else entry)
    return box(b"ftyp", b"iso5\0\0\2\0iso5") + box(
        b"moov",
        track({b"stsd": stsd}, header=header, kind=kind),
        box(b"mvex", full_box(b"trex", 0, 0, bytes(20))),
    )


def fragment(
    *,
    tfhd: bytes | None = None,
    tfdt: bytes | None = None,
    trun: bytes | None = None,
    inside: bytes = b"",
    data: bytes = SAMPLE * 5,
    time: int = 900_000,
) -> bytes:
    """`moof` and `mdat`: five frames of 1/25 s from `time` on, the first a key frame. `inside`: more in the moof."""
    rows = b"".join(struct.pack(">II", FRAME_BYTES, 0x02000000 if not n else 0x01010000) for n in range(5))
    tfhd = full_box(b"tfhd", 0, 0x020008, struct.pack(">II", 1, 3600)) if tfhd is None else tfhd
    tfdt = full_box(b"tfdt", 1, 0, struct.pack(">Q", time)) if tfdt is None else tfdt

    def moof(offset: int) -> bytes:
        run = full_box(b"trun", 0, 0x000601, struct.pack(">Ii", 5, offset), rows) if trun is None else trun
        return box(b"moof", full_box(b"mfhd", 0, 0, bytes(4)), inside, box(b"traf", tfhd, tfdt, run))

    return moof(len(moof(0)) + 8) + box(b"mdat", data)


def run(count: int, flags: int = 0, *rows: int) -> bytes:
    """A `trun` that says that it has `count` samples."""
    return full_box(b"trun", 0, flags, struct.pack(f">I{len(rows)}I", count, *rows))
