"""Byte ranges of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.site import byte_ranges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", [range(1)]),
        ("bytes=10-19", [range(10, 20)]),
        ("bytes=90-", [range(90, 100)]),
        ("bytes=90-9999", [range(90, 100)]),
        ("bytes=-10", [range(90, 100)]),
        ("bytes=-1000", [range(100)]),
        ("bytes=0-4, 10-14", [range(5), range(10, 15)]),
        ("bytes=0-4,200-", [range(5)]),
        ("bytes=100-", []),
        ("bytes=-0", []),
    ],
)
def test_ranges_of_a_hundred_bytes(header: str, expected: list[range]) -> None:
    """RFC 9110, 14.1.2: both ends are included, a suffix counts from the end."""
    assert byte_ranges.parse(header, 100) == expected


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "items=0-1", "bytes=0-1;2-3", "bytes=1-2-3", "bytes=0-4,",
     "bytes=+1-2", "bytes=0-" + "9" * 19, "bytes=" + ",".join(["0-0"] * 17), "bytes=0-,0-", "bytes=0-99,0-0", "bytes=٣-٤"],
)  # fmt: skip
def test_headers_that_are_ignored(header: str) -> None:
    """No ranges, too many, or together more than the file."""
    assert byte_ranges.parse(header, 100) is None


@given(st.text(alphabet="bytes=0123456789-, ", max_size=60), st.integers(0, 10**6))
def test_ranges_lie_inside_the_file(text: str, length: int) -> None:
    """Whatever is asked for."""
    for one in byte_ranges.parse(f"bytes={text}", length) or []:
        assert 0 <= one.start < one.stop <= length
