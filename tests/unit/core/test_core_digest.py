"""Digests: what they depend on, and what they do not."""

import os
import threading
from pathlib import Path

import pytest

from vlogd.core import digest
from vlogd.core.cancellation import Never
from vlogd.core.errors import Stopping

LARGE_BYTES = 3 << 20
"""More than the samples cover."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of which only samples are read."""
    path = tmp_path / "large"
    path.write_bytes(bytes(LARGE_BYTES))
    return path


def flip(path: Path, at: int) -> None:
    """Change one byte."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\x01")


def test_canonical_json() -> None:
    """Equal values give equal bytes, whatever the order of their keys."""
    assert digest.canonical({"b": [1, None], "a": "é"}) == b'{"a":"\\u00e9","b":[1,null]}'
    assert digest.of_json({"a": 1, "b": 2}) == digest.of_json({"b": 2, "a": 1})
    assert digest.of_json({"a": 1}) != digest.of_json({"a": 1.0})


def test_known_digests(tmp_path: Path) -> None:
    """Recipes and artifacts of earlier versions must keep theirs."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "film").write_bytes(b"film")
    assert digest.of_bytes(b"") == digest.of_file(tmp_path / "empty") == empty
    assert digest.of_json({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest.identity(tmp_path / "film") == (
        "a630666cc8ec8c9af591f3ba20b4912d294e28d2782631d8b5e3a0626b60fce5"
    )


def test_the_identity_of_a_large_file(large: Path) -> None:
    """It is that of all versions: a library knows its originals by it."""
    assert digest.identity(large) == ("8e1feecd80dace14140c68ede228d35021be89fdbf27a39298ce6d942cfbe1d9")


@pytest.mark.parametrize("at", [0, LARGE_BYTES - 1, (64 << 10) - 1])
def test_a_change_in_a_sample_is_seen(at: int, large: Path) -> None:
    """The first and the last byte lie in one."""
    before = digest.identity(large)
    flip(large, at)
    assert digest.identity(large) != before


def test_a_change_between_samples_is_left_to_the_comparison(large: Path, tmp_path: Path) -> None:
    """That is why files of the same identity are compared before they count as the same."""
    other = tmp_path / "other"
    other.write_bytes(large.read_bytes())
    assert digest.same_bytes(large, other, Never())
    flip(other, (64 << 10) + 1)
    assert digest.identity(other) == digest.identity(large)
    assert not digest.same_bytes(large, other, Never())


def test_the_size_is_part_of_the_identity(tmp_path: Path) -> None:
    """A file of zeros and a longer one differ in no sample."""
    for size in (3 << 20, (3 << 20) + (1 << 20)):
        (tmp_path / str(size)).write_bytes(bytes(size))
    assert len({digest.identity(path) for path in tmp_path.iterdir()}) == 2


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_same_bytes(size: int, tmp_path: Path) -> None:
    """At every length around the block that is read at a time."""
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_bytes(data)
    (tmp_path / "c").write_bytes(data + b"x")
    assert digest.same_bytes(tmp_path / "a", tmp_path / "b", Never())
    assert not digest.same_bytes(tmp_path / "a", tmp_path / "c", Never())


def test_a_comparison_can_be_stopped(large: Path) -> None:
    """Of two large files it takes minutes."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopping):
        digest.same_bytes(large, large, stop)
