"""Mutated files: no parser in the daemon's own process hangs, raises what nobody expects, or takes memory without bound."""

from pathlib import Path

import fuzz
import pytest

INPUTS = 12_500
"""For each of four seeds, so that they can run beside each other."""


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_mutated_files(seed: int, tmp_path: Path) -> None:
    """Fifty thousand in all; the same ones each time. `scripts/fuzz` tries more."""
    parsed = fuzz.fuzz(INPUTS, seed, tmp_path)
    assert sum(parsed.values()) == INPUTS
    assert min(parsed.values()) > 50
