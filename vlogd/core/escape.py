"""Names of dropped files in front of a person: whatever is not printable is written as an escape.

A name may hold anything but "/" and NUL, also sequences that move a terminal's cursor, set its title or fake its lines.
"""

from typing import Any


def escaped(value: Any) -> str:
    """`value` on one line, with everything that is not printable written as an escape."""
    text = str(value)
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
