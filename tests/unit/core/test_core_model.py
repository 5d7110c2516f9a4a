"""The few rules that the values themselves have."""

import pytest

from vlogd.core.model import Artifact, Composition, File, Item, Link, Source


def item(source: Source) -> Item:
    """An item from somewhere."""
    return Item("00aa", "A film", "a-film-00aa", "main", source, "d", 1, 0.0)


def test_the_original_of_a_file() -> None:
    """Only a dropped file has one; code that asks for another's has a bug, and is told which item."""
    assert item(File("00aa/film.mp4")).original == "00aa/film.mp4"
    for source in (Link("https://example.org"), Composition({})):
        with pytest.raises(TypeError, match="a-film-00aa was not dropped as a file"):
            _ = item(source).original


def test_an_artifacts_folder_names_its_stage_and_recipe() -> None:
    """The names of folders are part of every published address."""
    assert Artifact("00aa", "hls", "0123456789ab", "d", {}).folder == "hls-0123456789ab"
