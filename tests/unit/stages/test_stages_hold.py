"""A picture that is repeated while there is only sound: its segments and GOPs."""

from hypothesis import given
from hypothesis import strategies as st

from vlogd.media.streaming.tracks import TICKS
from vlogd.stages.hls import hold
from vlogd.stages.hls.ladder import HlsSettings

CONFIG = HlsSettings(segment_seconds=6, gop_seconds=2)


def test_segments_and_gops_have_the_usual_length() -> None:
    """Six seconds of three GOPs, of two frames each; the last ones have what is left."""
    held = hold.between(0, 13 * TICKS, 7, 3, CONFIG)
    assert (held.frame, held.first, held.segments, held.seconds) == (7, 3, 3, 13)
    assert [tick / TICKS for tick in held.boundaries] == [0, 6, 12, 13]
    gops = held.gops()
    assert [[tick / TICKS for tick in times] for times, _ in gops[:2]] == [[0, 1], [2, 3]]
    assert [[tick / TICKS for tick in times] for times, _ in gops[-1:]] == [[12, 12.5]]
    assert held.frame_count == 14


def test_a_rest_that_is_very_short_joins_the_segment_before() -> None:
    """Six seconds and a third are one segment."""
    held = hold.between(0, 6 * TICKS + TICKS // 3, 0, 0, CONFIG)
    assert held.segments == 1
    assert len(held.gops()) == 4


@given(st.integers(0, 10**9), st.integers(1, 10**8), st.integers(1, 20), st.integers(1, 10))
def test_frames_follow_one_another_without_a_gap(
    start: int, length: int, segment_seconds: int, gop_seconds: int
) -> None:
    """No frame lasts much longer than a second, and each GOP has two at least."""
    config = HlsSettings(segment_seconds=segment_seconds, gop_seconds=gop_seconds)
    held = hold.between(start, start + length, 0, 0, config)
    gops = held.gops()
    assert gops[0][0][0] == start
    assert gops[-1][1] == start + length
    assert [times[0] for times, _ in gops[1:]] == [end for _, end in gops[:-1]]
    assert {len(times) for times, _ in gops} == {max(2, gop_seconds)}
    assert all(end - begin <= gop_seconds * TICKS for (begin, *_), end in gops)
    assert set(held.boundaries[:-1]) <= {times[0] for times, _ in gops}
