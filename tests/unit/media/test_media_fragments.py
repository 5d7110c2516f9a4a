"""Fragments: what is written is read back; what nobody should have written is a BoxError."""

import io
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from boxes import FRAME_BYTES, SAMPLE, box, fragment, full_box, init_segment, run
from hypothesis import given
from hypothesis import strategies as st

from vlogd.media.isobmff import BoxError
from vlogd.media.streaming import fragment_reader, fragment_writer
from vlogd.media.streaming.fragment_reader import Fragment
from vlogd.media.streaming.frame_times import Mismatch, decode_times, snapped


def read(data: bytes) -> list[Fragment]:
    """All fragments of a segment."""
    return [found for found, _ in fragment_reader.fragments(io.BytesIO(data), 0)]


@st.composite
def gops(draw: st.DrawFn) -> tuple[list[int], int, list[int]]:
    """Presentation times in decoding order, the end, and sizes. The key frame is shown first."""
    steps = draw(st.lists(st.integers(1000, 9000), min_size=1, max_size=12))
    start = draw(st.integers(0, 1 << 40))
    shown = [start + sum(steps[:number]) for number in range(len(steps))]
    order = [shown[0]]
    rest = shown[1:]
    while rest:  # I P B B: the last of up to three is decoded before the others
        group, rest = rest[:3], rest[3:]
        order += [group[-1], *group[:-1]]
    sizes = draw(st.lists(st.integers(0, 50), min_size=len(steps), max_size=len(steps)))
    return order, shown[-1] + steps[-1], sizes


@given(gops())
def test_a_gop_is_read_as_it_was_written(gop: tuple[list[int], int, list[int]]) -> None:
    """Times, sizes, key frame and data; the fragment lasts from its first frame to its end."""
    pts, end, sizes = gop
    data = bytes(number % 251 for number in range(sum(sizes)))
    try:
        written = fragment_writer.video_fragment(7, pts, end, sizes, data)
    except Mismatch:
        return
    (found,) = read(fragment_writer.segment([written]))
    assert (list(found.pts), list(found.sizes)) == (pts, sizes)
    assert list(found.sync) == [True] + [False] * (len(pts) - 1)
    assert (found.decode_time, found.decode_time + found.duration) == (min(pts), end)
    at = found.data_at - len(fragment_writer.SEGMENT_TYPE)
    assert written[at:] == data
    assert fragment_writer.key_frame_span(written, sizes[0]) == at + sizes[0]


@given(st.lists(st.integers(1, 500), min_size=1, max_size=50), st.integers(0, 1 << 40))
def test_audio_is_read_as_it_was_written(sizes: list[int], time: int) -> None:
    """Frames of one length, each a sync sample."""
    written = fragment_writer.audio_fragment(1, time, 1024, sizes, bytes(sum(sizes)))
    (found,) = read(written)
    assert list(found.pts) == [time + 1024 * number for number in range(len(sizes))]
    assert all(found.sync)
    assert found.duration == 1024 * len(sizes)


@given(gops())
def test_decoding_times_rise_and_are_never_late(gop: tuple[list[int], int, list[int]]) -> None:
    """No frame is decoded after it is shown, and decoding begins when the first is shown."""
    pts, _, _ = gop
    try:
        times = decode_times(pts)
    except Mismatch:
        return
    assert times[0] == min(pts)
    assert all(before < after for before, after in pairwise(times))
    assert all(dts <= time for dts, time in zip(times, pts, strict=True))


def test_reordering_that_leaves_no_room_is_a_mismatch() -> None:
    """Two frames of one time cannot be decoded one after the other before it."""
    with pytest.raises(Mismatch, match="reordered"):
        decode_times([100, 101, 100])


def test_times_are_held_to_the_plan() -> None:
    """One tick is rounding; another count, time or a frame twice is not."""
    assert snapped([101, 199, 300], [100, 200, 300]) == [100, 200, 300]
    for pts in ([100, 200], [100, 200, 302], [100, 101, 300]):
        with pytest.raises(Mismatch):
            snapped(pts, [100, 200, 300])


def test_a_growing_file_gives_what_is_whole() -> None:
    """At each length: the fragments that end before it, and the place to go on from."""
    data = init_segment() + fragment() + fragment(time=918_000)
    init = fragment_reader.init_bytes(io.BytesIO(data))
    assert init == init_segment()
    ends = [len(init) + len(fragment()), len(data)]
    for length in range(len(data) + 1):
        file = io.BytesIO(data[:length])
        assert bool(fragment_reader.init_bytes(file)) == (length >= len(init))
        if length >= len(init):
            after = [position for _, position in fragment_reader.fragments(file, len(init))]
            assert after == [end for end in ends if end <= length]


def test_several_runs_follow_one_another() -> None:
    """A fragment may list its samples in more than one trun."""
    first = run(2, 0x201, 100, FRAME_BYTES, FRAME_BYTES)
    second = run(1, 0x200, FRAME_BYTES)
    (found,) = read(fragment(trun=first + second, data=SAMPLE * 3))
    assert list(found.pts) == [900_000, 903_600, 907_200]
    assert found.duration == 3 * 3600


TFHD_DEFAULT_SIZE = full_box(b"tfhd", 0, 0x020010, struct.pack(">II", 1, FRAME_BYTES))

NONSENSE: dict[str, Callable[[], bytes]] = {
    "a child of size 0": lambda: fragment(inside=struct.pack(">I4s", 0, b"free")),
    "a child of size 3": lambda: fragment(inside=struct.pack(">I4s", 3, b"free")),
    "a child beyond the moof": lambda: fragment(inside=struct.pack(">I4s", 99, b"free")),
    "no traf": lambda: box(b"moof") + box(b"mdat"),
    "no tfhd": lambda: fragment(tfhd=b""),
    "a short tfhd": lambda: fragment(tfhd=full_box(b"tfhd", 0, 0x39, bytes(4))),
    "no tfdt": lambda: fragment(tfdt=b""),
    "a short tfdt": lambda: fragment(tfdt=full_box(b"tfdt", 1, 0, bytes(4))),
    "no trun": lambda: fragment(trun=box(b"free")),
    "a short trun": lambda: fragment(trun=box(b"trun", b"\0\0")),
    "a trun without its data offset": lambda: fragment(trun=run(0, 0x1)),
    "more rows than there are": lambda: fragment(trun=run(3, 0x100, 1, 2)),
    "4 billion rows": lambda: fragment(trun=run(0xFFFFFFFF, 0xF00)),
    "4 billion samples without rows": lambda: fragment(trun=run(0xFFFFFFFF)),
    "more samples than data": lambda: fragment(trun=run(len(SAMPLE) * 5 + 1)),
    "more samples of one size than data": lambda: fragment(tfhd=TFHD_DEFAULT_SIZE, trun=run(6)),
    "a time at the end of 64 bits": lambda: fragment(time=(1 << 64) - 1),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_fragment_that_makes_no_sense(name: str) -> None:
    """Each is a BoxError: no hang, no other exception, no memory for samples that cannot be."""
    nonsense = NONSENSE[name]()
    assert len(nonsense) < 1000
    with pytest.raises(BoxError):
        read(nonsense)


def test_all_samples_may_be_of_one_size() -> None:
    """Then the trun has no rows, and the data tells how many there can be."""
    (found,) = read(fragment(tfhd=TFHD_DEFAULT_SIZE, trun=run(5)))
    assert list(found.sizes) == [FRAME_BYTES] * 5


def test_is_whole(tmp_path: Path) -> None:
    """Boxes fill the range to its last byte; one of open size does not say that it does."""
    data = fragment()
    path = tmp_path / "a.m4s"
    path.write_bytes(bytes(5) + data + bytes(5))
    with path.open("rb") as file:
        assert fragment_reader.is_whole(file, 5, 5 + len(data))
        assert not fragment_reader.is_whole(file, 5, 4 + len(data))
        assert not fragment_reader.is_whole(file, 5, 5)
    assert not fragment_reader.is_whole(io.BytesIO(struct.pack(">I4s", 0, b"mdat")), 0, 8)
    assert fragment_reader.read_span(path, 5, 8) == data[:8]
