"""What is wrong with a published stream, each with the rule that it breaks.

Rules are named as in Apple's "HLS Authoring Specification for Apple devices" ("Apple 7.3"), in
RFC 8216 ("RFC 8216 4.3.3.1"), or, where a stream made by vlogd is checked against its own plan, "plan".
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

PLAN = "plan"


@dataclass(frozen=True)
class Violation:
    """`must`: players fail, or something is lost; `should`: advice that is not followed.

    `where` is the playlist or file, relative to the stream's folder.
    """

    level: Literal["must", "should"]
    rule: str
    where: str
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def must(rule: str, where: str, sentence: str) -> Violation:
    """A rule that is broken."""
    return Violation("must", rule, where, sentence)


def should(rule: str, where: str, sentence: str) -> Violation:
    """Advice that is not followed."""
    return Violation("should", rule, where, sentence)
