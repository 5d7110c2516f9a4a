"""From words to cues."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vlogd.stages.captions import cues
from vlogd.stages.captions.cues import Cue, Word


def spoken(text: str, pause_before: dict[int, float] | None = None, seconds: float = 0.3) -> list[Word]:
    """Words of equal length, one after the other; some after a pause (seconds, by number of the word)."""
    words, now = [], 0.0
    for number, word in enumerate(text.split()):
        now += (pause_before or {}).get(number, 0.0)
        words.append(Word(word, now, now + seconds, 1.0))
        now += seconds
    return words


def texts(words: list[Word]) -> list[str]:
    """The cues' lines."""
    return [cue.text for cue in cues.cues(words)]


def test_a_cue_ends_with_its_sentence() -> None:
    """Also in Chinese and Japanese."""
    assert texts(spoken("It is late. Go home! はい。 Yes")) == ["It is late.", "Go home!", "はい。", "Yes"]


def test_a_cue_ends_in_a_pause() -> None:
    """A second of silence divides, half a second does not."""
    assert texts(spoken("one two three", {1: 1.0, 2: 0.5})) == ["one", "two three"]


def test_a_cue_is_shown_for_a_second_if_the_next_one_lets_it() -> None:
    """Never into the next cue."""
    first, second = cues.cues([Word("No.", 0.0, 0.2, 1.0), Word("Yes.", 0.5, 0.7, 1.0)])
    assert (first.start, first.end) == (0.0, 0.5)
    assert (second.start, second.end) == (0.5, 1.5)


@given(
    st.lists(
        st.tuples(st.text("ab.é", min_size=1, max_size=12), st.floats(0, 3), st.floats(0, 2)), max_size=80
    )
)
def test_any_words_make_cues_in_order(rows: list[tuple[str, float, float]]) -> None:
    """Every word once, cues that do not overlap but by what a cue without time needs, none longer than it may be."""
    words, now = [], 0.0
    for text, pause, length in rows:
        now += pause
        words.append(Word(text, now, now + length, 1.0))
        now += length
    made = cues.cues(words)
    assert [word for cue in made for word in cue.words] == words
    assert all(cue.end > cue.start for cue in made)
    for cue in made:
        assert len(cue.text) <= 84 or len(cue.words) == 1
        assert cue.words[-1].end - cue.start <= 7.0 or len(cue.words) == 1
    for before, after in pairwise(made):
        assert before.end <= max(after.start, before.start + 0.05)


def test_webvtt_has_two_even_lines_and_escapes() -> None:
    """`captions.vtt` is text for everybody, `words.vtt` has the time of each word."""
    cue = Cue(0.0, 3.0, tuple(spoken("this <b>is</b> a line of more than forty-two characters & more")))
    lines = cues.vtt([cue]).decode().splitlines()
    assert lines[:3] == ["WEBVTT", "", "00:00:00.000 --> 00:00:03.000"]
    assert lines[3:] == ["this &lt;b&gt;is&lt;/b&gt; a line of", "more than forty-two characters &amp; more"]
    assert "<00:00:00.300>&lt;b&gt;is&lt;/b&gt;" in cues.words_vtt([cue]).decode()


def test_plain_text_has_a_paragraph_after_a_long_pause() -> None:
    """`words.txt` is for reading and searching."""
    made = cues.cues(spoken("One. Two. Three.", {2: 4.0}))
    assert cues.text(made) == b"One.\nTwo.\n\nThree.\n"
