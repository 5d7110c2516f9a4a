"""What a name looks like on a terminal."""

import pytest

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
