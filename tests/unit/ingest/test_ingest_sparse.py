"""Which large files are mostly holes."""

from pathlib import Path

import pytest

from vlogd.ingest import sparse

_BLOCK_BYTES = 1 << 16


def sparse_file(path: Path, blocks: str) -> Path:
    """A file of blocks: `#` is data, `.` a hole."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(b"x" * _BLOCK_BYTES) if block == "#" else file.seek(_BLOCK_BYTES, 1)
        file.truncate(len(blocks) * _BLOCK_BYTES)
    return path


@pytest.mark.parametrize(
    ("blocks", "is_sparse"),
    [("....", True), ("#...", True), ("..#.", True), ("#.#..", True), ("##..", False), (".#.#", False), ("####", False)],
)  # fmt: skip
def test_more_holes_than_data(
    blocks: str, is_sparse: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever they are; a film with a hole here and there is none of these."""
    path = sparse_file(tmp_path / "a", blocks)
    with path.open("rb") as file:
        assert not sparse.is_mostly_holes(file)  # it is small
        monkeypatch.setattr(sparse, "_LARGE_BYTES", 1)
        assert sparse.is_mostly_holes(file) == is_sparse


def test_more_extents_than_anybody_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling would take longer the more there are."""
    monkeypatch.setattr(sparse, "_LARGE_BYTES", 1)
    monkeypatch.setattr(sparse, "_MOST_EXTENTS", 3)
    with sparse_file(tmp_path / "a", "#.#.#.#.##########").open("rb") as file:
        assert sparse.is_mostly_holes(file)
