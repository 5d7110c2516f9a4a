"""JSON into dataclasses and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from vlogd.core.typed_json import Mismatch, parse, serialise


@dataclass(frozen=True)
class Track:
    """Nested."""

    codec: str
    channels: int | None = None


@dataclass(frozen=True)
class Film:
    """Every kind of field that documents have."""

    kind: Literal["film", "clip"]
    seconds: float
    tracks: tuple[Track, ...]
    size: tuple[int, int]
    hdr: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    names: Sequence[str] = ()
    more: Any = None


PLAIN = {
    "kind": "clip",
    "seconds": 2,
    "tracks": [{"codec": "aac", "channels": 2}, {"codec": "h264", "rotation": 90}],
    "size": [640, 360],
    "tags": {"title": "A"},
    "names": ["a", "b"],
    "more": [1, {"x": None}],
}

FILM = Film(
    "clip",
    2.0,
    (Track("aac", 2), Track("h264")),
    (640, 360),
    tags={"title": "A"},
    names=("a", "b"),
    more=[1, {"x": None}],
)


def test_every_kind_of_field() -> None:
    """Unknown keys are ignored, missing ones take their defaults."""
    assert parse(Film, PLAIN) == FILM


def test_there_and_back() -> None:
    """What is serialised is plain JSON data and parses to the same value."""
    plain = serialise(FILM)
    assert type(plain["tracks"]) is list
    assert list(plain) == ["kind", "seconds", "tracks", "size", "hdr", "tags", "names", "more"]
    assert parse(Film, plain) == FILM


def test_paths_become_strings() -> None:
    """JSON has no paths."""
    assert serialise({"at": Path("a/b")}) == {"at": "a/b"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "book"}, "`kind` is none of film, clip"),
        ({"seconds": "2"}, "`seconds` is not a number"),
        ({"seconds": 10**400}, "`seconds` is too large"),
        ({"seconds": True}, "`seconds` is not a number"),
        ({"tracks": {}}, "`tracks` is not a list"),
        ({"tracks": [{}]}, "`tracks.0.codec` is missing"),
        ({"tracks": [{"codec": "aac", "channels": "2"}]}, "`tracks.0.channels` is not null"),
        ({"size": [1]}, "`size` is not a list of 2 values"),
        ({"size": [1, 2.5]}, "`size.1` is not a whole number"),
        ({"hdr": 1}, "`hdr` is not true or false"),
        ({"tags": []}, "`tags` is not an object"),
        ({"tags": {"a": 1}}, "`tags.a` is not a string"),
        ({"names": "ab"}, "`names` is not a list"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    """With the key and what was expected there."""
    with pytest.raises(Mismatch, match=message):
        parse(Film, PLAIN | change)


def test_a_whole_document_that_does_not_fit() -> None:
    """It has no key."""
    with pytest.raises(Mismatch, match="the document is not an object"):
        parse(Film, [])
