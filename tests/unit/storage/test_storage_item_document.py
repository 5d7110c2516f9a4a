"""Whatever a `.vlogd-item.json` holds, it is an item that stays inside its folders, or refused with a sentence."""

import json
import math
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.errors import Malformed, NewerFormat
from vlogd.core.model import File
from vlogd.storage.item_document import FORMAT, source_from_json

PATH = Path("originals/00aa/.vlogd-item.json")
SOUND = {
    "id": "00aa",
    "title": "A film",
    "slug": "a-film-00aa",
    "inbox": "main",
    "original": "00aa/film.mp4",
    "digest": "d",
    "size_bytes": 5,
    "accepted_at": 1e9,
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["..", "/", "a/../b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "url", "edit"]), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*SOUND, "source", "format", "rating"]), JSON, max_size=4))
def test_any_object(change: dict[str, object]) -> None:
    """Property: no value of any key leads out of the originals or the library, or to another error."""
    try:
        item = FORMAT.decode(json.dumps({**SOUND, **change}).encode(), PATH).value
    except NewerFormat:
        return
    except Malformed:
        return
    for name in (item.id, item.slug):
        assert Path(name).name == name
    f"{item.title}{item.inbox}{item.digest}".encode()
    assert 0 <= item.size_bytes < 1 << 63
    assert math.isfinite(item.accepted_at)
    if isinstance(item.source, File):
        assert not item.original.startswith("/")
        assert ".." not in PurePosixPath(item.original).parts


def test_a_damaged_one_is_told_with_what_to_do() -> None:
    """In one sentence for the fault and one for the remedy."""
    with pytest.raises(
        Malformed,
        match=r"^originals/00aa/.vlogd-item.json cannot .*`title` is not .* drop the video again\.$",
    ):
        FORMAT.decode(json.dumps({**SOUND, "title": 3}).encode(), PATH)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size_bytes", -1),
        ("size_bytes", 1 << 63),
        ("accepted_at", float("inf")),
        ("title", "caf\udce9"),
        ("id", ""),
        ("slug", "a/b"),
        ("slug", "a\0b"),
    ],
)
def test_what_could_not_be_kept(key: str, value: object) -> None:
    """By the journal, in a folder's name or on the page."""
    with pytest.raises(Malformed):
        FORMAT.decode(json.dumps({**SOUND, key: value}).encode(), PATH)


@pytest.mark.parametrize("key", sorted(SOUND))
def test_every_key_is_needed(key: str) -> None:
    """There is nothing that could be guessed."""
    content = {name: value for name, value in SOUND.items() if name != key}
    with pytest.raises(Malformed, match=f"`{key}` is missing"):
        FORMAT.decode(json.dumps(content).encode(), PATH)


@pytest.mark.parametrize(
    "value", [None, "link", {"kind": "link"}, {"kind": "link", "url": 3}, {"kind": "composition"}]
)
def test_a_source_that_is_none(value: object) -> None:
    """Neither a link nor a composition."""
    with pytest.raises(ValueError, match="neither a link nor a composition"):
        source_from_json(value)
