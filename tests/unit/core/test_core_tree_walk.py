"""A walk through folders that change meanwhile."""

from pathlib import Path

from vlogd.core.descriptors import Folder
from vlogd.core.tree_walk import MOST_LEVELS, TooDeep, walk


def walked(root: Path, level: int = 0) -> tuple[set[str], dict[str, type]]:
    """The names on a walk, with their places, and what could not be looked into."""
    names, failed = set(), {}
    with Folder.at(root) as folder:
        for place in walk(folder, Path(), lambda path, error: failed.update({str(path): type(error)}), lambda name: name == "skipped", level):  # fmt: skip
            names |= {str(place.path / name) for name in place.names()}
    return names, failed


def test_everything_is_named_once_and_links_are_not_followed(tmp_path: Path) -> None:
    """Folders are walked through, links are names."""
    for name in ("a/b", "c", "skipped"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("1", "a/2", "a/b/3", "skipped/4"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    assert walked(tmp_path) == ({"1", "a/2", "a/b/3", "link"}, {})


def test_it_ends_at_a_depth(tmp_path: Path) -> None:
    """The folder above which it ends is reported; nothing stays open."""
    deep = tmp_path
    for _ in range(MOST_LEVELS + 2):
        deep /= "f"
        deep.mkdir()
        (deep / "file").touch()
    opened = len(list(Path("/proc/self/fd").iterdir()))
    names, failed = walked(tmp_path)
    assert len(names) == MOST_LEVELS
    assert failed == {"/".join("f" * (MOST_LEVELS + 1)): TooDeep}
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
    assert walked(tmp_path, level=MOST_LEVELS + 1) == (set(), {".": TooDeep})


def test_a_folder_that_becomes_a_link_is_not_entered(tmp_path: Path) -> None:
    """Between its listing and its opening; the others are walked through."""
    for name in ("one", "two"):
        (tmp_path / "root" / name).mkdir(parents=True)
        (tmp_path / "root" / name / "file").touch()
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/secret").touch()
    names, failed = set(), {}
    with Folder.at(tmp_path / "root") as folder:
        for place in walk(folder, Path(), lambda path, error: failed.update({str(path): type(error)})):
            names |= {str(place.path / name) for name in place.names()}
            if place.level == 0:
                (tmp_path / "root/one").rename(tmp_path / "away")
                (tmp_path / "root/one").symlink_to(tmp_path / "victim")
    assert (names, failed) == ({"two/file"}, {"one": NotADirectoryError})
