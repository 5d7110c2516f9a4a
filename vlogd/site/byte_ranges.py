"""Byte ranges of a request (RFC 9110, 14.1 and 14.2)."""

import re

_MOST_RANGES = 16
"""Players ask for one at a time. More are a way to make a server work (RFC 9110, 17.15)."""

_HEADER = re.compile(r"bytes=[ \t]*(.*?)[ \t]*", re.IGNORECASE)
_RANGE = re.compile("([0-9]{0,18})-([0-9]{0,18})")
"""Eighteen digits fit into 64 bits, and no file is longer."""


def parse(header: str, length: int) -> list[range] | None:
    """The requested ranges that a file of `length` bytes has: none when it has none of them.

    None when the header is to be ignored, which a server always may: it is no list of byte ranges, it is a long one, or
    together the ranges are longer than the file.
    """
    match = _HEADER.fullmatch(header)
    texts = match[1].split(",", _MOST_RANGES) if match is not None else []
    if not 0 < len(texts) <= _MOST_RANGES:
        return None
    ranges: list[range] = []
    for text in texts:
        bounds = _RANGE.fullmatch(text.strip(" \t"))
        if bounds is None or bounds[0] == "-" or _is_reversed(*bounds.groups()):
            return None
        ranges.append(_range(length, *bounds.groups()))
    satisfiable = [one for one in ranges if one]
    return satisfiable if sum(map(len, satisfiable)) <= length else None


def _is_reversed(first: str, last: str) -> bool:
    return bool(first and last) and int(last) < int(first)


def _range(length: int, first: str, last: str) -> range:
    """The bytes from `first` to `last`, both included; without `first`, as many as `last` says from the end."""
    if not first:
        return range(max(0, length - int(last)), length)
    return range(int(first), min(int(last) + 1, length) if last else length)
