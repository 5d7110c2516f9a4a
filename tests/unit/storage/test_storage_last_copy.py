"""Before the last copy of a video goes: what passes for a second copy, a damaged or absent one, a removal in between."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlogd.core import digest, files
from vlogd.core.cancellation import Never
from vlogd.core.errors import Unavailable
from vlogd.core.model import File, Item
from vlogd.storage import tree
from vlogd.storage.originals import Originals

FILM = Item("00aa", "A film", "a-film-00aa", "main", File("00aa/film.mp4"), "d1", 4, 1e9)


def mounted() -> None:
    """The archive's disk is there."""


def away() -> None:
    """It is not."""
    raise Unavailable("is its disk mounted?")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The originals, with one item."""
    root = tmp_path / "originals"
    (root / "00aa").mkdir(parents=True)
    Originals(root).write_item(root / "00aa", FILM)
    (root / FILM.original).write_bytes(b"film")
    return root


@pytest.fixture(params=["bind mount", "link", "linked item", "linked file", "hard link"])
def same(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Iterator[Path]:
    """An archive that is the originals, or whose item or file is."""
    archive = tmp_path / "archive"
    if request.param == "link":
        archive.symlink_to(root)
        yield archive
        return
    archive.mkdir()
    if request.param == "bind mount":
        command = ["mount", "--bind", root, archive]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("bind mounts need root")
        yield archive
        subprocess.run(["umount", archive], check=True)
        return
    if request.param == "linked item":
        (archive / "00aa").symlink_to(root / "00aa")
    else:
        (archive / "00aa").mkdir()
        link = (archive / FILM.original).symlink_to
        (link if request.param == "linked file" else (archive / FILM.original).hardlink_to)(
            root / FILM.original
        )
    yield archive


def test_an_archive_that_is_the_originals_costs_nothing(same: Path, root: Path) -> None:
    """The only copy stays, byte for byte, and the sentence says why."""
    with pytest.raises(Unavailable, match="there is no second copy, and nothing was deleted"):
        Originals(root, same).put_into_archive(FILM, Never(), mounted)
    assert (root / FILM.original).read_bytes() == b"film"


def test_a_link_in_the_archive_is_replaced_by_a_copy(root: Path, tmp_path: Path) -> None:
    """It leads to the same bytes elsewhere, on a disk that may go."""
    other = tmp_path / "elsewhere"
    other.write_bytes(b"film")
    (tmp_path / "archive/00aa").mkdir(parents=True)
    copy = tmp_path / "archive" / FILM.original
    copy.symlink_to(other)
    assert Originals(root, tmp_path / "archive").put_into_archive(FILM, Never(), mounted)
    assert not copy.is_symlink()
    assert copy.read_bytes() == b"film"


def test_an_archive_that_goes_while_it_is_written(root: Path, tmp_path: Path) -> None:
    """Its mark is looked at after the copy was made."""
    with pytest.raises(Unavailable, match="is its disk mounted"):
        Originals(root, tmp_path / "archive").put_into_archive(FILM, Never(), away)
    assert (root / FILM.original).read_bytes() == b"film"


@pytest.mark.parametrize("data", [b"flim", b"film and more"])
def test_a_file_that_has_changed_is_no_longer_what_was_accepted(
    data: bytes, root: Path, tmp_path: Path
) -> None:
    """It is neither archived nor deleted; a change that keeps the size shows by the digest that was noted."""
    originals = Originals(root, tmp_path / "archive")
    originals.measure(FILM, Never())
    assert originals.sha256(FILM) == digest.of_bytes(b"film")
    (root / FILM.original).write_bytes(data)
    with pytest.raises(Unavailable, match="has changed since it was accepted"):
        originals.put_into_archive(FILM, Never(), mounted)
    assert (root / FILM.original).read_bytes() == data


def test_what_has_changed_is_not_deleted(root: Path) -> None:
    """Its size says so."""
    (root / FILM.original).write_bytes(b"film and more")
    with pytest.raises(Unavailable, match="has changed since it was accepted"):
        Originals(root).delete(FILM, Never())
    assert (root / FILM.original).exists()


def test_what_goes_is_known_when_it_comes_again(root: Path, tmp_path: Path) -> None:
    """Archived and deleted originals leave their SHA-256."""
    originals = Originals(root, tmp_path / "archive")
    assert originals.put_into_archive(FILM, Never(), mounted)
    assert originals.sha256(FILM) == digest.of_bytes(b"film")
    (root / "00aa/.vlogd-sha256.json").unlink()
    (root / FILM.original).write_bytes(b"film")
    assert originals.delete(FILM, Never())
    assert originals.sha256(FILM) == digest.of_bytes(b"film")


@pytest.mark.parametrize("for_good", [False, True])
def test_removed_while_it_is_copied(
    for_good: bool, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the trash the original stays; for good, nothing is left in the archive, not even a temporary copy."""
    archive = tmp_path / "archive"
    originals = Originals(root, archive)
    copy = files.copy_beside

    def removed_meanwhile(source: Path, target: Path, stop: Never) -> Path:
        """The removal comes from another thread, when the copy is complete."""
        copied = copy(source, target, stop)
        originals.remove(FILM, 2e9)
        if for_good:
            originals.purge(FILM)
        return copied

    monkeypatch.setattr(tree.files, "copy_beside", removed_meanwhile)
    if for_good:
        with pytest.raises(FileNotFoundError):
            originals.put_into_archive(FILM, Never(), mounted)
        assert list(archive.iterdir()) == []
        assert list(root.rglob("film.mp4")) == []
    else:
        assert not originals.put_into_archive(FILM, Never(), mounted)
        assert (root / ".trash" / FILM.original).read_bytes() == b"film"
        originals.purge(FILM)
        assert list(archive.iterdir()) == []


def test_a_copy_that_cannot_be_read_back_leaves_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive's disk fails while the copy is compared."""
    of_large_file = digest.of_large_file

    def failing(path: Path, stop: Never, *, from_disk: bool = False) -> str:
        """An I/O error of the archive's disk (a fake)."""
        if from_disk:
            raise OSError(5, "Input/output error")
        return of_large_file(path, stop)

    monkeypatch.setattr(tree.digest, "of_large_file", failing)
    with pytest.raises(OSError, match="Input/output error"):
        Originals(root, tmp_path / "archive").put_into_archive(FILM, Never(), mounted)
    assert list((tmp_path / "archive/00aa").iterdir()) == []
    assert (root / FILM.original).read_bytes() == b"film"


def test_another_file_in_the_archive_stays(root: Path, tmp_path: Path) -> None:
    """Of an item whose documents were lost: it gets a number, and stays when the new one goes for good."""
    (tmp_path / "archive/00aa").mkdir(parents=True)
    (tmp_path / "archive" / FILM.original).write_bytes(b"another film")
    originals = Originals(root, tmp_path / "archive")
    assert originals.put_into_archive(FILM, Never(), mounted)
    assert (tmp_path / "archive" / FILM.original).read_bytes() == b"film"
    originals.remove(FILM, 2e9)
    originals.purge(FILM)
    (left,) = (tmp_path / "archive/00aa").iterdir()
    assert left.read_bytes() == b"another film"
