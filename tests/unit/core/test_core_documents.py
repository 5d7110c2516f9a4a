"""Documents: format numbers, unknown keys, newer formats, damage, I/O errors, bounds."""

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlogd.core.documents import Document, DocumentFormat
from vlogd.core.errors import Malformed, NewerFormat


@dataclass(frozen=True)
class Shelf:
    """A made-up document."""

    name: str
    metres: float = 1.0


SHELF = DocumentFormat.of("the shelf", Shelf)


def doubled(content: dict[str, Any]) -> dict[str, Any]:
    """Format 1 counted half metres."""
    return {**content, "metres": content["metres"] / 2}


NEXT = DocumentFormat.of("the shelf", Shelf, upgrades=(doubled,))


def written(folder: Path, content: object) -> Path:
    """A file with this JSON."""
    path = folder / "shelf.json"
    path.write_text(json.dumps(content))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """And the format comes first, for whoever looks at the file."""
    SHELF.write(tmp_path / "shelf.json", Shelf("a", 2))
    assert SHELF.read(tmp_path / "shelf.json") == Document(Shelf("a", 2.0))
    assert next(iter(json.loads((tmp_path / "shelf.json").read_text()).items())) == ("format", 1)


def test_a_file_without_a_format_has_format_1(tmp_path: Path) -> None:
    """As all files had that were written before there were formats."""
    path = written(tmp_path, {"name": "a", "metres": 3})
    assert SHELF.read(path).value == Shelf("a", 3)
    assert NEXT.read(path).value == Shelf("a", 1.5)


def test_an_older_format_is_upgraded_and_the_current_one_is_not(tmp_path: Path) -> None:
    """Each upgrade runs for the formats before it only."""
    NEXT.write(tmp_path / "shelf.json", Shelf("a", 3))
    assert NEXT.read(tmp_path / "shelf.json").value == Shelf("a", 3)


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    """A newer version of the same format, or a person, may have put them there."""
    path = written(tmp_path, {"name": "a", "colour": "red"})
    document = SHELF.read(path)
    SHELF.write(path, replace(document.value, name="b"), document.unknown)
    assert json.loads(path.read_text()) == {"format": 1, "name": "b", "metres": 1.0, "colour": "red"}


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """With a sentence that names the file, both formats and what to do; the file stays as it is."""
    path = written(tmp_path, {"format": 2, "name": "a"})
    with pytest.raises(
        NewerFormat, match=r"shelf.json \(the shelf\) has format 2 .* up to 1; install a newer"
    ):
        SHELF.read(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ('{"metres": 1}', "`name` is missing"),
        ('{"name": 3}', "`name` is not a string"),
        ('{"name": "a", "metres": true}', "`metres` is not a number"),
        ('{"name": "a", "format": "1"}', "`format` is not a whole number"),
        ('{"name": "a", "format": 0}', "`format` is not a whole number"),
        ('{"name": "a", "format": true}', "`format` is not a whole number"),
        ('{"name": "' + "a" * 200 + '"}', "more than 100 bytes"),
    ],
)
def test_damage_is_told_with_its_reason(content: str, why: str, tmp_path: Path) -> None:
    """Whatever the bytes are, the error names the file and the fault."""
    (tmp_path / "shelf.json").write_text(content)
    bounded = SHELF if len(content) > 1000 else replace(SHELF, limit_bytes=100)
    with pytest.raises(Malformed, match=f"shelf.json cannot be understood as the shelf: .*{why}"):
        bounded.read(tmp_path / "shelf.json")


def test_an_upgrade_that_cannot_be_made_is_damage(tmp_path: Path) -> None:
    """A file of format 1 without the key that the upgrade needs."""
    with pytest.raises(Malformed, match="metres"):
        NEXT.read(written(tmp_path, {"name": "a"}))


def test_io_errors_are_raised_as_they_are(tmp_path: Path) -> None:
    """Only FileNotFoundError means that there is none."""
    with pytest.raises(FileNotFoundError):
        SHELF.read(tmp_path / "shelf.json")
    with pytest.raises(IsADirectoryError):
        SHELF.read(tmp_path)


@given(st.binary(max_size=200))
def test_no_bytes_cause_another_error(data: bytes) -> None:
    """Property: a document, Malformed or NewerFormat."""
    with contextlib.suppress(Malformed, NewerFormat):
        SHELF.decode(data, Path("shelf.json"))


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3)))
def test_no_object_causes_another_error(content: dict[str, object]) -> None:
    """Property: likewise for JSON objects, and the unknown keys are those that are neither fields nor the format."""
    try:
        document = SHELF.decode(json.dumps({"name": "a", **content}).encode(), Path("shelf.json"))
    except (Malformed, NewerFormat):
        return
    assert set(document.unknown) == set(content) - {"name", "metres", "format"}
