"""The sample tables of files that nobody can trust."""

import struct

import pytest

from vlogd.media import mp4_index


@pytest.mark.parametrize(("count", "read"), [(2_000_000, True), (3_000_001, False)])
def test_a_table_is_read_only_while_it_fits_in_memory(count: int, *, read: bool) -> None:
    """A film of nine hours at 60 pictures a second is; one with more than three million is left to ffprobe."""
    stsz = memoryview(struct.pack(">4xII", 0, count) + bytes(4 * count))
    try:
        assert len(mp4_index._sizes(stsz)) == count
    except mp4_index._Odd:
        assert not read
    else:
        assert read
