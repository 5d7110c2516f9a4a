"""Facts go into a receipt as JSON and come back typed, also from receipts of other versions."""

import json
from dataclasses import dataclass, field

import pytest

from vlogd.core import typed_json
from vlogd.core.model import Receipt
from vlogd.stages import facts
from vlogd.stages.artifacts import TextTrack
from vlogd.stages.hls.facts import CopyFacts, EncodeFacts, RemuxFacts


@dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of each kind."""

    name: str
    size: int | None
    spans: dict[str, tuple[tuple[int, ...], ...]]
    tracks: tuple[TextTrack, ...]
    note: str = ""
    later: dict[str, int] = field(default_factory=dict)


VALUE = Everything(
    name="a",
    size=None,
    spans={"v360": ((1, 2), ())},
    tracks=(TextTrack("a.vtt", "de", "Deutsch"),),
)


def test_they_come_back_as_they_were() -> None:
    """Through JSON text, as in a receipt; what has its default is left out."""
    text = json.dumps(facts.to_json(VALUE))
    assert json.loads(text) == {
        "name": "a",
        "size": None,
        "spans": {"v360": [[1, 2], []]},
        "tracks": [{"src": "a.vtt", "language": "de", "label": "Deutsch"}],
    }
    assert typed_json.parse(Everything, json.loads(text)) == VALUE


def test_an_unknown_key_is_ignored_and_a_missing_one_is_named() -> None:
    """A receipt of a newer version is read; one that lacks what is needed is refused with a reason."""
    assert (
        typed_json.parse(TextTrack, {"src": "a", "language": "b", "label": "c", "forced": True}).label == "c"
    )
    with pytest.raises(ValueError, match="`label` is missing"):
        typed_json.parse(TextTrack, {"src": "a", "language": "b"})


def test_facts_of_a_part_that_is_not_done_are_a_key_error() -> None:
    """So that a stage asks for the receipt first."""
    with pytest.raises(KeyError):
        facts.of_part({}, "listen", TextTrack)


@pytest.mark.parametrize(
    ("kind", "receipt"),
    [
        (EncodeFacts, {"iframes": {"v360": [[40, 900], [40, 800, 9000, 700]]}}),
        (EncodeFacts, {"iframes": {}, "similar": ["v240"], "empty": [2]}),
        (EncodeFacts, {"fallback": "published as it decodes", "empty": [], "iframes": {"v360": [[]]}}),
        (EncodeFacts, {"fallback": "encoded in one go", "borders": [900000, 1440000], "iframes": {}}),
        (CopyFacts, {"copied": True, "iframes": {"v360-copy": [[40, 900]]}}),
        (CopyFacts, {"copied": False, "why": "The source is re-encoded."}),
        (RemuxFacts, {"copied": True, "time_base": "1/90000", "zero_seconds": "0"}),
    ],
)
def test_receipts_of_the_stream_keep_their_keys(kind: type[facts.Facts], receipt: dict[str, object]) -> None:
    """Receipts of earlier versions are read, and written the same again."""
    read = facts.of_part({"part": Receipt("part", {}, receipt)}, "part", kind)
    assert facts.to_json(read) == receipt
