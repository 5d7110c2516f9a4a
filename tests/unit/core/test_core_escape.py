"""What a name looks like on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.escape import escaped


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Sommer in Köln 2024 🎬", "Sommer in Köln 2024 🎬"),
        ("two\nlines\r\ttab", "two\\nlines\\r\\ttab"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\u202emp4.mlif", "\\u202emp4.mlif"),
        ("latin \udce9", "latin \\udce9"),
        (5, "5"),
    ],
)
def test_printable_characters_stay_all_others_are_escaped(name: object, shown: str) -> None:
    """Line ends, escape sequences, changes of direction, bytes that are not UTF-8."""
    assert escaped(name) == shown


@given(st.text(st.characters()))
def test_any_text_is_one_printable_line_that_can_be_encoded(text: str) -> None:
    """Lone surrogates too, as Python has them for bytes that are not UTF-8; what is printable already stays as it is."""
    shown = escaped(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert escaped(shown) == shown
