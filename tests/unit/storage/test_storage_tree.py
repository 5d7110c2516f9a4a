"""The place where a path becomes a file: missing is an answer, trouble is raised."""

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from vlogd.core import files
from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Stopping, Unavailable
from vlogd.storage import tree as tree_module
from vlogd.storage.tree import Tree


@dataclass(frozen=True)
class Note:
    """A made-up document."""

    text: str


NOTE = DocumentFormat.of("the note", Note)
NEVER = threading.Event()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """With a file, a folder, a link and a broken link."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/film").write_bytes(b"film")
    (tmp_path / "link").symlink_to("a/film")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / ".hidden").mkdir()
    return Tree(tmp_path)


@pytest.mark.parametrize(
    ("name", "exists", "is_file"),
    [
        ("a/film", True, True),
        ("a", True, False),
        ("link", True, True),
        ("broken", False, False),
        ("b", False, False),
        ("a/film/below", False, False),
    ],
)
def test_what_is_there(name: str, exists: bool, is_file: bool, tree: Tree) -> None:
    """Links are followed."""
    assert (tree.exists(name), tree.is_file(name)) == (exists, is_file)


def test_trouble_is_raised(tree: Tree) -> None:
    """A loop of links stands for a disk that fails: it is neither a file nor missing."""
    tree.path("loop").symlink_to("loop")
    for look in (
        tree.exists,
        tree.is_file,
        lambda name: tree.read(NOTE, name),
        lambda name: list(tree.names(name)),
    ):
        with pytest.raises(OSError, match="symbolic links"):
            look("loop")


def test_names(tree: Tree) -> None:
    """Hidden ones are vlogd's own; a folder that isn't there has none."""
    assert sorted(tree.names()) == ["a", "broken", "link"]
    assert sorted(tree.names(hidden=True)) == [".hidden", "a", "broken", "link"]
    assert list(tree.names("a")) == ["film"]
    assert list(tree.names("b")) == []


def test_documents(tree: Tree) -> None:
    """Written whole, read back, or None."""
    tree.write(NOTE, "a/note.json", Note("hello"))
    document = tree.read(NOTE, "a/note.json")
    assert document is not None
    assert document.value == Note("hello")
    assert tree.read(NOTE, "a/other.json") is None
    assert tree.read(NOTE, "a/film/note.json") is None


def test_bytes(tree: Tree) -> None:
    """Only so many are read; a link is no file of this tree."""
    tree.write_bytes("new/mark", b"0123456789")
    assert tree.read_start("new/mark", 4) == b"0123"
    assert tree.read_start("new/other", 4) is None
    assert tree.read_start("a/film/below", 4) is None
    assert tree.read_start("link", 4) is None


def test_renaming_and_removing(tree: Tree) -> None:
    """Removing may be repeated."""
    tree.make_folder("b/c")
    tree.rename("a", "b/c/a")
    assert tree.is_file("b/c/a/film")
    for _ in range(2):
        tree.unlink("b/c/a/film")
        tree.remove("b")
    assert not tree.exists("b")


def test_a_copy_is_compared(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stores other bytes keeps nothing of the copy; then what lies there already is not copied again."""
    source = tmp_path / "a/film"

    def corrupting(_source: Path, target: Path, _stop: object) -> Path:
        """What a failing disk gives back."""
        copy = files.temporary_beside(target)
        copy.write_bytes(b"fllm")
        return copy

    with monkeypatch.context() as patched:
        patched.setattr(tree_module.files, "copy_beside", corrupting)
        with pytest.raises(Unavailable, match="check that disk"):
            tree.copy_in(source, "archive/film", NEVER)
        assert list(tree.path("archive").iterdir()) == []
    tree.copy_in(source, "archive/film", NEVER)
    assert tree.path("archive/film").read_bytes() == b"film"
    inode = tree.path("archive/film").stat().st_ino
    tree.copy_in(source, "archive/film", NEVER)
    assert tree.path("archive/film").stat().st_ino == inode


def test_copying_can_be_stopped(tree: Tree) -> None:
    """A large film takes minutes."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopping):
        tree.copy_in(tree.path("a/film"), "archive/film", stop)
    assert not tree.exists("archive/film")
