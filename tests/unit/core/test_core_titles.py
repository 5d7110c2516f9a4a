"""Titles and addresses from any name that a file can have."""

import os
import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.titles import slugs_of, title_of

ID = "0123456789abcdef"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("holiday.mp4", "holiday"),
        ("My_summer  2024.final.mov", "My summer 2024.final"),
        (".mp4", "mp4"),
        ("..hidden.mp4", "hidden"),
        ("two\nlines\tand\x1b[31m red.mp4", "two lines and [31m red"),
        ("café.mkv", "café"),
        ("caf\udce9.mkv", "caf\N{REPLACEMENT CHARACTER}"),
        ("   .mp4", "Untitled"),
        ("\u202e\u200b.mp4", "Untitled"),
        ("a" * 255, "a" * 200),
    ],
)
def test_titles(name: str, title: str) -> None:
    """One line of what can be read."""
    assert title_of(name) == title


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("My summer 2024", "my-summer-2024-0123456789"),
        ("Grüße aus Köln", "grusse-aus-koln-0123456789"),
        ("映画", "ying-hua-0123456789"),
        ("🎬", "0123456789"),
        ("word " * 30, f"{'-'.join(['word'] * 12)}-0123456789"),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    """Words in plain ASCII, cut between two of them, and always the id."""
    assert next(slugs_of(title, ID)) == slug


@given(st.binary(min_size=1, max_size=255))
def test_any_name(name: bytes) -> None:
    """Property: a printable title of at most 200 characters, and an address that needs no escape."""
    title = title_of(os.fsdecode(name.replace(b"/", b"").replace(b"\0", b"") or b"x"))
    assert 0 < len(title) <= 200
    assert title.isprintable()
    assert title == title.strip()
    title.encode()
    assert re.fullmatch(r"([a-z0-9]+-)*0123456789", next(slugs_of(title, ID)))
    assert len(next(slugs_of(title, ID))) <= 71


def test_longer_addresses() -> None:
    """When the first is taken: the whole id, and then there is always another one."""
    assert list(islice(slugs_of("A film", ID), 4)) == [
        "a-film-0123456789",
        "a-film-0123456789abcdef",
        "a-film-0123456789abcdef-2",
        "a-film-0123456789abcdef-3",
    ]
    assert list(islice(slugs_of("", ID), 3)) == ["0123456789", ID, f"{ID}-2"]
