"""The sample table of an MP4: read exactly, or left to ffprobe."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from boxes import FRAME_BYTES, box, full_box, media_header, movie, sample_description, table
from clips import stamped

from vlogd.media import mp4_index
from vlogd.media.mp4_index import SampleTable


def read(path: Path, data: bytes, index: int = 0) -> SampleTable | None:
    """The table of these bytes."""
    path.write_bytes(data)
    return mp4_index.read(path, index)


def test_a_plain_table(tmp_path: Path) -> None:
    """Times, key frames, sizes and places of all frames."""
    found = read(tmp_path / "a.mp4", movie(20))
    assert found is not None
    assert found.timescale == 90_000
    assert found.pts.tolist() == [3600 * number for number in range(20)]
    assert found.keys.tolist() == [0, 5, 10, 15]
    assert found.sizes.tolist() == [FRAME_BYTES] * 20
    assert found.positions.tolist() == [32 + FRAME_BYTES * number for number in range(20)]
    assert found.nal_length_bytes == 4
    assert mp4_index.is_plain(tmp_path / "a.mp4")
    assert mp4_index.key_frames_are_idr(tmp_path / "a.mp4", found)
    assert found.gops_are_closed()


def test_composition_offsets_and_chunks(tmp_path: Path) -> None:
    """B-frames are shown later than decoded; chunks may lie anywhere."""
    data = movie(
        4,
        ctts=table(b"ctts", (1, 7200), (1, 10800), (2, 0)),
        stsc=table(b"stsc", (1, 1, 1), (2, 3, 1)),
        stco=table(b"stco", (32,), (42,)),
        stss=table(b"stss", (1,)),
    )
    found = read(tmp_path / "a.mp4", data)
    assert found is not None
    assert found.pts.tolist() == [7200, 14400, 7200, 10800]
    assert found.positions.tolist() == [32, 42, 52, 62]


SIZES = struct.pack(">II20I", 0, 20, *[FRAME_BYTES] * 20)

ODD: dict[str, Callable[[], bytes]] = {
    "no moov": lambda: box(b"ftyp", b"isom"),
    "no stco": lambda: movie(stco=b""),
    "no stsc": lambda: movie(stsc=b""),
    "no stsz": lambda: movie(stsz=b""),
    "no stts": lambda: movie(stts=b""),
    "no stsd": lambda: movie(stsd=b""),
    "an empty stsd": lambda: movie(stsd=sample_description()),
    "an avcC that is too short": lambda: movie(
        stsd=sample_description(box(b"avc1", bytes(78), box(b"avcC", b"\1")))
    ),
    "no mdhd": lambda: movie(header=box(b"free")),
    "a short mdhd": lambda: movie(header=box(b"mdhd", b"\0\0")),
    "a timescale of 0": lambda: movie(header=media_header(0)),
    "a chunk of 4 billion samples": lambda: movie(stsc=table(b"stsc", (1, 0xFFFFFFFF, 1))),
    "a chunk without samples": lambda: movie(stsc=table(b"stsc", (1, 0, 1))),
    "no run for the first chunk": lambda: movie(stsc=table(b"stsc", (2, 20, 1))),
    "4 billion chunks": lambda: movie(stco=full_box(b"stco", 0, 0, b"\xff\xff\xff\xff")),
    "a chunk behind 64 bits": lambda: movie(
        stco=b"", co64=full_box(b"co64", 0, 0, struct.pack(">IQ", 1, (1 << 64) - 1))
    ),
    "4 billion frames of one duration": lambda: movie(stts=table(b"stts", (0xFFFFFFFF, 1))),
    "fewer durations than frames": lambda: movie(stts=table(b"stts", (19, 1))),
    "key frames out of order": lambda: movie(stss=table(b"stss", (1,), (20,), (1,), (20,))),
    "a key frame number of 0": lambda: movie(stss=table(b"stss", (0,))),
    "a key frame that is not there": lambda: movie(stss=table(b"stss", (1,), (21,))),
    "a first frame that is no key frame": lambda: movie(stss=table(b"stss", (2,))),
    "a size table that is cut off": lambda: movie(stsz=full_box(b"stsz", 0, 0, SIZES[:-1])),
    "frames behind the end of the file": lambda: movie(stco=table(b"stco", (1 << 20,))),
    "a box of size 0 in moov": lambda: movie(stco=struct.pack(">I4s", 0, b"stco")),
    "a box of size 4 in moov": lambda: movie(stco=struct.pack(">I4s", 4, b"stco")),
}


@pytest.mark.parametrize("name", ODD)
def test_what_contradicts_itself_is_left_to_ffprobe(name: str, tmp_path: Path) -> None:
    """None, whatever is missing, cut off or beyond what there is."""
    assert read(tmp_path / "a.mp4", ODD[name]()) is None


def test_a_track_that_is_not_there(tmp_path: Path) -> None:
    """The streams that ffprobe counts may be others than the file's tracks."""
    assert read(tmp_path / "a.mp4", movie(), index=1) is None


@pytest.mark.parametrize(("count", "is_read"), [(2_000_000, True), (3_000_001, False)])
def test_a_table_is_read_only_while_it_fits_in_memory(count: int, tmp_path: Path, *, is_read: bool) -> None:
    """A film of nine hours at 60 frames a second is; one with more than three million is left to ffprobe."""
    data = movie(
        1,
        stts=table(b"stts", (count, 1500)),
        stsz=full_box(b"stsz", 0, 0, struct.pack(">II", 0, count), bytes(4 * count)),
        stsc=table(b"stsc", (1, count, 1)),
    )
    found = read(tmp_path / "a.mp4", data)
    assert (found is not None) == is_read
    if found is not None:
        assert len(found.pts) == count
        assert found.pts[-1] == 1500 * (count - 1)


def test_a_real_file(tmp_path: Path) -> None:
    """What ffmpeg writes, with B-frames: as many frames as there are, shown evenly."""
    options = ("-c:v", "libx264", "-bf", "2", "-g", "25", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
    path = stamped(tmp_path / "a.mp4", *options, seconds=2, sound=False)
    found = mp4_index.read(path, 0)
    assert found is not None
    assert [time * 25 // found.timescale for time in sorted(found.pts)] == list(range(50))
    assert found.keys.tolist() == [0, 25]
    assert mp4_index.key_frames_are_idr(path, found)
