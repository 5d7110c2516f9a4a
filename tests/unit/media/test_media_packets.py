"""Scans of ffprobe's packet lines."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.errors import BadInput
from vlogd.media import bounds, packets
from vlogd.media.packets import PacketScan


@given(st.lists(st.integers(-100, 100)))
def test_times_are_sorted_and_each_once(times: list[int]) -> None:
    """Also where they are sorted in several runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "_SORTED_AT_ONCE", 7)
        assert packets.presentation_order(array("q", times)).tolist() == sorted(set(times))


def test_packets_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those without a time as well; one more than may be is refused with a sentence."""
    monkeypatch.setattr(bounds, "MOST_FRAMES", 3_000_000)
    scan = PacketScan()
    for line in ("5,1,10,100,K__", "N/A,1,10,110,___", "7,1,10,120,_D_"):
        scan.add(line)
    assert (scan.times().tolist(), scan.unknown, scan.end_bytes) == ([5], 1, 130)
    scan.unknown = 2_999_999
    with pytest.raises(BadInput, match="more than 3 million frames"):
        scan.add("9,1,10,130,___")
