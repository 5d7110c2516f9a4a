"""When frames are presented and where the stream is cut."""

from array import array
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.media.streaming.tracks import OFFSET, TICKS
from vlogd.stages.hls import timeline
from vlogd.stages.hls.ladder import HlsSettings
from vlogd.stages.hls.timeline import Timeline

CONFIG = HlsSettings(segment_seconds=6, gop_seconds=2, chunk_seconds=12)
MILLISECOND = Fraction(1, 1000)


def at(
    times: list[int],
    config: HlsSettings = CONFIG,
    rate: int = 25,
    keys: timeline.Keys = (),
    least_end: float = 0,
) -> Timeline:
    """The timeline of frames at these milliseconds, with something to be heard until `least_end` (seconds)."""
    until = OFFSET + round(least_end * TICKS) if least_end else 0
    return timeline.build(array("q", times), MILLISECOND, Fraction(0), Fraction(rate), config, keys, until)


def steady(seconds: float, rate: int = 25) -> list[int]:
    """Frames at a constant rate."""
    return [number * 1000 // rate for number in range(round(seconds * rate))]


def seconds_of(ticks: "timeline.array[int] | tuple[int, ...]") -> list[float]:
    """Published times in seconds from zero on."""
    return [(tick - OFFSET) / TICKS for tick in ticks]


def test_segments_and_gops_begin_on_the_grid() -> None:
    """Every six seconds, and every two."""
    line = at(steady(20))
    assert seconds_of(line.boundaries) == [0, 6, 12, 18, 20]
    assert [seconds_of((line.pts[key],))[0] for key in line.keys] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert line.key_frames(*line.frames(timeline.Chunk(1, 1, 2))) == (150, 200, 250)


def test_a_gap_has_no_segments_in_it() -> None:
    """The frame that is before the gap is presented until the first one after it."""
    line = at([*steady(2), *(time + 20_000 for time in steady(2))])
    assert seconds_of(line.boundaries) == [0, 20, 22]


def test_a_very_short_last_segment_joins_the_one_before() -> None:
    """Six seconds and a third are one segment, six and a half are two."""
    assert seconds_of(at(steady(6.32)).boundaries) == [0, 6.32]
    assert len(at(steady(6.52)).boundaries) == 3


def test_a_late_first_frame_does_not_move_zero() -> None:
    """The first segment begins at zero, where the audio does."""
    line = at([time + 500 for time in steady(8)])
    assert seconds_of(line.boundaries)[0] == 0
    assert seconds_of(line.pts)[0] == 0.5


def test_the_last_frame_is_held_until_the_sound_ends() -> None:
    """In segments of its own: those before are as they would be without it."""
    plain, line = at(steady(8)), at(steady(8), least_end=20)
    assert (line.pts, line.cuts, line.keys, line.end) == (plain.pts, plain.cuts, plain.keys, plain.end)
    assert seconds_of(line.boundaries) == [0, 6, 8, 14, 20]
    assert line.after is not None
    assert (line.after.frame, line.after.first) == (199, 2)
    assert line.frame_count == 200 + 12


@pytest.mark.parametrize(
    ("until", "end", "is_extended"), [(8.05, 8, False), (8.3, 8.3, True), (7, 8, False), (400_000, 8, False)]
)
def test_a_little_more_sound_lengthens_the_last_frame(until: float, end: float, is_extended: bool) -> None:
    """Padding doesn't."""
    line = at(steady(8), least_end=until)
    assert (line.after, line.is_stretched, line.is_extended) == (None, is_extended, is_extended)
    assert seconds_of(line.boundaries) == [0, 6, end]


def test_the_only_segment_of_a_still_lasts_a_second() -> None:
    """A segment of one frame is none that players like."""
    assert seconds_of(at([0], least_end=9).boundaries) == [0, 1, 7, 9]
    assert seconds_of(at([0], least_end=1.2).boundaries) == [0, 1.2]


def test_copied_frames_are_lengthened_and_not_held() -> None:
    """The last GOP is a segment of its own where the one before would become too long."""
    line = at(steady(8), keys=tuple((time, 1000) for time in range(0, 8000, 2000)), least_end=12)
    assert line.after is None
    assert seconds_of(line.boundaries) == [0, 6, 12]


def test_the_first_frame_is_held_where_sound_begins_long_before_it() -> None:
    """Its segments come first; those of the frames begin with the first one."""
    line = at([time + 9000 for time in steady(7)])
    assert seconds_of(line.boundaries) == [0, 6, 9, 15, 16]
    assert line.first_segment == 2
    assert timeline.chunks(2, CONFIG, line.first_segment)[0] == timeline.Chunk(0, 2, 3)
    assert line.frames(timeline.Chunk(0, 2, 3)) == (0, 150)
    assert line.frames(timeline.Chunk(1, 3, 4)) == (150, 175)


@pytest.mark.parametrize(("rate", "most", "keep_every"), [
    (60, 60, 1), (Fraction(60000, 1001), 60, 1), (61, 60, 2), (120, 60, 2), (240, 60, 4), (90_000, 60, 1), (120, 0, 1),
])  # fmt: skip
def test_frames_beyond_the_highest_rate_are_dropped(rate: Fraction, most: int, keep_every: int) -> None:
    """Every second one, or more; a rate that is no rate at all is left alone."""
    config = replace(CONFIG, max_frame_rate=most)
    line = timeline.build(array("q", steady(2, 100)), MILLISECOND, Fraction(0), Fraction(rate), config)
    assert line.keep_every == keep_every
    assert len(line.pts) == len(steady(2, 100)[::keep_every])


def test_with_source_keys_segments_begin_at_them_alone() -> None:
    """Each as long as it may be, with the bytes of its GOPs."""
    times = steady(20)
    keys = tuple((time, 1000 + number) for number, time in enumerate((0, 2500, 5000, 7500, 10_000, 17_000)))
    line = at(times, keys=keys)
    assert seconds_of(line.boundaries) == [0, 5, 10, 17, 20]
    assert line.source_bytes == (1000 + 1001, 1002 + 1003, 1004, 1005)


def test_times_are_rounded_as_ffmpeg_rounds() -> None:
    """To the nearest tick, halves away from zero."""
    line = timeline.build(array("q", [-1, 0, 1, 2]), Fraction(1, 180_000), Fraction(0), Fraction(25), CONFIG)
    assert [tick - OFFSET for tick in line.pts] == [-1, 0, 1, 1]


@given(st.integers(1, 400), st.integers(1, 60), st.integers(1, 12))
def test_chunks_cover_every_segment_once(segments: int, chunk_seconds: int, segment_seconds: int) -> None:
    """In order; the first is one segment, and none is longer than was asked for."""
    config = replace(CONFIG, chunk_seconds=chunk_seconds, segment_seconds=segment_seconds)
    chunks = timeline.chunks(segments, config)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert (chunks[0].first, chunks[0].last) == (0, 1)
    assert chunks[-1].last == segments
    assert all(before.last == after.first for before, after in pairwise(chunks))
    longest = max(1, round(chunk_seconds / segment_seconds))
    assert all(0 < chunk.last - chunk.first <= longest for chunk in chunks)


@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=300, unique=True))
def test_any_frame_times_give_a_sound_timeline(times: list[int]) -> None:
    """Boundaries rise, begin at the first frames of segments, and every segment has a key frame."""
    line = at(sorted(times))
    assert list(line.boundaries) == sorted(set(line.boundaries))
    assert len(line.boundaries) == len(line.cuts) + line.first_segment + 1
    assert set(line.cuts) <= set(line.keys)
    assert line.end > line.pts[-1]


@pytest.mark.parametrize(("seconds", "expected"), [
    (0.0, [0, 1]), (4.0, [0, 4]), (6.4, [0, 6.4]), (6.6, [0, 6, 6.6]), (18.0, [0, 6, 12, 18]),
])  # fmt: skip
def test_audio_alone_is_cut_evenly(seconds: float, expected: list[float]) -> None:
    """An unknown length is taken as a second."""
    assert seconds_of(timeline.even_boundaries(seconds, CONFIG)) == expected


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=50, unique=True), st.integers(1, 8))
def test_segments_begin_at_the_first_frame_of_each_multiple(times: list[int], seconds: int) -> None:
    """However long the gaps are, those that no multiple falls into included."""
    cut = at(sorted(times), replace(CONFIG, segment_seconds=seconds, gop_seconds=seconds))
    grid = range(cut.pts[0], cut.pts[-1] + 1, seconds * TICKS)
    firsts = sorted({next(index for index, time in enumerate(cut.pts) if time >= tick) for tick in grid})
    assert list(cut.keys) == firsts


def test_a_gap_of_a_thousand_years_costs_nothing() -> None:
    """Steps are as many as there are frames."""
    year = 365 * 24 * 3600 * 1000
    assert at([0, 40, 1000 * year, 1000 * year + 40]).keys == (0, 2)
