"""The one box walker: bounded whatever the sizes say, and the same over a file and over memory."""

import io
import struct
from itertools import pairwise

import pytest
from boxes import box, full_box, long_box, media_header
from hypothesis import given
from hypothesis import strategies as st

from vlogd.media import isobmff
from vlogd.media.isobmff import Box, BoxError, TruncatedBox

SIZES = st.sampled_from([0, 1, 2, 7, 8, 9, 15, 16, 17, 0x7FFFFFFF, 0xFFFFFFFF]) | st.integers(0, 64)


@st.composite
def box_soup(draw: st.DrawFn) -> bytes:
    """Headers with any size, each followed by some bytes."""
    parts = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from([b"moov", b"trak", b"free", b"\x1b[2J"]))
        wide = struct.pack(">Q", draw(SIZES | st.integers(0, (1 << 64) - 1)))
        parts.append(struct.pack(">I4s", draw(SIZES), kind) + draw(st.sampled_from([b"", wide])))
        parts.append(draw(st.binary(max_size=24)))
    return b"".join(parts)


def walked(source: io.BytesIO | memoryview, **options: int) -> tuple[list[Box], str]:
    """The boxes up to the first fault, and the fault."""
    boxes: list[Box] = []
    try:
        for found in isobmff.walk(source, **options):
            boxes.append(found)  # noqa: PERF402 - what came before the fault counts
    except BoxError as error:
        return boxes, f"{type(error).__name__}: {error}"
    return boxes, ""


@given(box_soup())
def test_a_walk_goes_forward_and_stays_inside(data: bytes) -> None:
    """Boxes follow one another without a gap, each at least its header long, none behind the end."""
    boxes, fault = walked(memoryview(data))
    for found in boxes:
        assert found.start + 8 <= found.body_start <= found.end <= len(data)
    assert all(before.end == after.start for before, after in pairwise(boxes))
    assert not fault or fault.startswith(("BoxError", "TruncatedBox"))
    if not fault:
        assert len(data) - (boxes[-1].end if boxes else 0) < 8


@given(box_soup())
def test_a_file_and_a_buffer_are_walked_alike(data: bytes) -> None:
    """The same boxes, and the same fault in the same words."""
    assert walked(io.BytesIO(data)) == walked(memoryview(data))


class CountingFile(io.BytesIO):
    """Remembers how much was read."""

    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def test_only_headers_are_read() -> None:
    """Sixteen bytes at most for each box, however large it is."""
    file = CountingFile(box(b"mdat", bytes(1 << 20)) * 3)
    assert len(list(isobmff.walk(file))) == 3
    assert file.bytes_read <= 3 * 16


def test_sizes_with_a_meaning() -> None:
    """0 reaches to the end; 1 says that the size has 64 bits."""
    data = memoryview(long_box(b"wide", b"abc") + struct.pack(">I4s", 0, b"mdat") + b"rest")
    wide, rest = isobmff.walk(data)
    assert (bytes(data[wide.body_start : wide.end]), wide.to_end) == (b"abc", False)
    assert (bytes(data[rest.body_start : rest.end]), rest.to_end) == (b"rest", True)


@pytest.mark.parametrize(
    ("head", "error", "sentence"),
    [
        (struct.pack(">I4s", 7, b"free"), BoxError, "free at byte 0 is shorter than its own header"),
        (struct.pack(">I4sQ", 1, b"free", 15), BoxError, "shorter than its own header"),
        (struct.pack(">I4s", 9, b"free"), TruncatedBox, "ends 1 bytes behind its parent"),
        (struct.pack(">I4sQ", 1, b"free", 1 << 63), TruncatedBox, "behind its parent"),
        (struct.pack(">I4s", 1, b"free"), TruncatedBox, "header of free at byte 0 is cut off"),
        (struct.pack(">I4s", 7, b"\x1b[2J"), BoxError, r"\.\[2J at byte 0"),
    ],
)
def test_a_size_that_cannot_be(head: bytes, error: type[BoxError], sentence: str) -> None:
    """Each has its own error, which never repeats control characters."""
    with pytest.raises(error, match=sentence):
        list(isobmff.walk(memoryview(head)))


def test_a_walk_ends_after_so_many_boxes() -> None:
    """The bound itself is fine, one more is not."""
    data = memoryview(box(b"free") * 10)
    assert len(list(isobmff.walk(data, most=10))) == 10
    with pytest.raises(BoxError, match="more than 9 boxes"):
        list(isobmff.walk(data, most=9))


def test_a_child_leads_to_a_body() -> None:
    """By the first child of each type; the sentence names the one that is missing."""
    body = memoryview(box(b"moov", box(b"trak", b"first"), box(b"trak", b"second")))
    assert bytes(isobmff.child(body, b"moov", b"trak")) == b"first"
    assert isobmff.find(body, b"mdat") is None
    with pytest.raises(BoxError, match="there is no mdia box"):
        isobmff.child(body, b"moov", b"mdia")


def test_a_child_says_its_size() -> None:
    """Only the last box of a file may leave it open."""
    with pytest.raises(BoxError, match="has no size"):
        list(isobmff.children(memoryview(struct.pack(">I4s", 0, b"free"))))


def test_fields_and_tables_are_held_to_the_bytes() -> None:
    """Reading behind the end is a BoxError, never struct's."""
    body = memoryview(b"\0\0\0\x05\xff\xff\xff\xfe")
    assert isobmff.fields("Ii", body) == (5, -2)
    assert isobmff.signed(isobmff.numbers("I", body)).tolist() == [5, -2]
    assert isobmff.version_and_flags(memoryview(b"\x01\0\0\x08")) == (1, 8)
    for layout, offset in (("Q", 1), ("I", 6), ("I", 100)):
        with pytest.raises(BoxError, match="too short"):
            isobmff.fields(layout, body, offset)
    with pytest.raises(BoxError, match="within a number"):
        isobmff.numbers("Q", body[:7])


def test_timescale() -> None:
    """Of both versions of a header; 0 and a header that is too short are faults."""
    assert isobmff.timescale_of(memoryview(media_header(44_100))[8:]) == 44_100
    wide = full_box(b"mdhd", 1, 0, struct.pack(">QQIQ", 0, 0, 48_000, 0))
    assert isobmff.timescale_of(memoryview(wide)[8:]) == 48_000
    for body in (media_header(0)[8:], media_header()[8:20], b""):
        with pytest.raises(BoxError):
            isobmff.timescale_of(memoryview(body))
