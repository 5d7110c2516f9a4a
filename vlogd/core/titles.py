"""Titles and addresses from the names of dropped files.

A name may hold anything but "/" and NUL: line ends, markup, bytes that are not UTF-8. The title
keeps what can be read; the slug is plain ASCII and ends in the beginning of the item's id, so that it does not depend on
which of two videos came first (docs/decisions/0001-slugs-end-in-the-id.md). Where that beginning is another video's, more of the
id follows: the address of a video never changes, and is never given to another one (0022).
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePath

from slugify import slugify

_TITLE_CHARACTERS = 200
"""More than any page shows in one line."""

_SLUG_CHARACTERS = 60
"""Of the words: with the id's beginning an address of 71 characters, which no message breaks."""

_ID_CHARACTERS = 10
"""40 bits: among ten thousand videos of the same title two would share an address with a chance of 1 in 22,000. Whoever makes two
files that agree in them gets the longer address for the second."""


def title_of(file_name: str) -> str:
    """A title from a file name (surrogate escapes allowed): one line, at most 200 characters."""
    text = file_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    stem = PurePath(text.lstrip(".") or text).stem
    readable = "".join(c if c.isprintable() else " " for c in stem).replace("_", " ")
    return re.sub(r"\s+", " ", readable).strip()[:_TITLE_CHARACTERS].strip() or "Untitled"


def slugs_of(title: str, item_id: str) -> Iterator[str]:
    """Names for the item's folder and address, the best first; the next ones are for when those before are taken."""
    words = slugify(title, max_length=_SLUG_CHARACTERS, word_boundary=True)
    yield "-".join(filter(None, (words, item_id[:_ID_CHARACTERS])))
    whole = "-".join(filter(None, (words, item_id)))
    yield whole
    yield from (f"{whole}-{number}" for number in itertools.count(2))
