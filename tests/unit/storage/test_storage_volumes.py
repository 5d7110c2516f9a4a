"""Are the disks there, and is there room? Folders stand for disks here: an empty one is a disk that is not mounted."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlogd.core.errors import NewerFormat, Unavailable
from vlogd.storage.lease import Lease
from vlogd.storage.volumes import Volumes

HUGE_BYTES = 1 << 60


class Disks:
    """A state folder, an originals, a library and an archive folder."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        self.folders = {"originals": root / "originals", "library": root / "library"}
        self.archive = root / "archive"
        self.state.mkdir()

    def volumes(self, reserve_bytes: int = 0) -> Volumes:
        """As a daemon sees them that is just started."""
        return Volumes(self.state, self.folders, reserve_bytes, {"archive": self.archive})

    def unmount(self, folder: Path) -> None:
        """Leave an empty mount point."""
        folder.rename(folder.with_name(f"{folder.name}-away"))
        folder.mkdir()

    def mount(self, folder: Path) -> None:
        """Bring it back."""
        folder.rmdir()
        folder.with_name(f"{folder.name}-away").rename(folder)


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """All of which were used before."""
    disks = Disks(tmp_path)
    disks.volumes().check()
    for folder in disks.folders.values():
        (folder / "film").write_text("film")
    return disks


@pytest.mark.parametrize("name", ["originals", "library"])
def test_a_disk_that_is_not_mounted(name: str, disks: Disks) -> None:
    """It is waited for, by a daemon that runs and by one that starts, and nothing is written below its mount point."""
    running = disks.volumes()
    disks.unmount(disks.folders[name])
    for volumes in (running, disks.volumes()):
        with pytest.raises(Unavailable, match=rf"The {name} folder .* is its disk mounted"):
            volumes.check()
    assert list(disks.folders[name].iterdir()) == []
    disks.mount(disks.folders[name])
    running.check()
    disks.volumes().check()


def test_another_disk_is_not_the_one(disks: Disks) -> None:
    """A mark of another vlogd is no mark of this one."""
    (disks.folders["library"] / ".vlogd-volume").write_text("0123\n")
    assert "is not the one that vlogd used before" in str(disks.volumes().problem())


def test_a_lost_state_folder(disks: Disks) -> None:
    """All other folders were used: they are adopted. One is empty: it may be a mount point."""
    shutil.rmtree(disks.state)
    disks.state.mkdir()
    assert disks.volumes().problem() is None
    disks.unmount(disks.folders["originals"])
    assert "configure a library of their own" in str(disks.volumes().problem())
    disks.mount(disks.folders["originals"])
    disks.unmount(disks.folders["library"])
    problem = str(disks.volumes().problem())
    assert "library has no .vlogd-volume" in problem
    assert "create an empty file" in problem
    (disks.folders["library"] / ".vlogd-volume").touch()
    disks.volumes().check()


def test_new_folders_are_marked(tmp_path: Path) -> None:
    """Once; `problem` alone writes nothing."""
    disks = Disks(tmp_path)
    assert disks.volumes().problem() is None
    assert not disks.folders["library"].exists()
    disks.volumes().check()
    marks = json.loads((disks.state / "volumes.json").read_text())
    assert set(marks) == {"format", *map(str, disks.folders.values())}
    mark, sentence = (disks.folders["library"] / ".vlogd-volume").read_text().splitlines()
    assert marks[str(disks.folders["library"])] == mark
    assert sentence == "This is the library folder of a vlogd."
    disks.volumes().check()
    assert json.loads((disks.state / "volumes.json").read_text()) == marks


def test_the_list_of_the_first_version(disks: Disks) -> None:
    """It had no format number."""
    path = disks.state / "volumes.json"
    marks = json.loads(path.read_text())
    del marks["format"]
    path.write_text(json.dumps(marks))
    assert disks.volumes().problem() is None
    disks.unmount(disks.folders["library"])
    assert disks.volumes().problem() is not None


def test_a_damaged_list_counts_as_lost_and_a_newer_one_does_not(disks: Disks) -> None:
    """The marks in the folders still say that they were used."""
    (disks.state / "volumes.json").write_text("{")
    disks.unmount(disks.folders["library"])
    assert disks.volumes().problem() is not None
    (disks.state / "volumes.json").write_text('{"format": 2}')
    with pytest.raises(NewerFormat, match="install a newer vlogd"):
        disks.volumes()


def test_the_archive_is_asked_for_by_name_only(disks: Disks) -> None:
    """It may be away while nothing is archived."""
    volumes = disks.volumes()
    volumes.check("archive")
    disks.unmount(disks.archive)
    volumes.check()
    with pytest.raises(Unavailable, match="The archive folder"):
        volumes.check("archive")


def test_a_mark_that_cannot_be_read_is_neither_there_nor_missing(disks: Disks) -> None:
    """Here it is a folder; a bad sector gives another number."""
    mark = disks.folders["library"] / ".vlogd-volume"
    mark.unlink()
    mark.mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        disks.volumes().problem()


def test_a_link_is_no_mark(disks: Disks) -> None:
    """What it points at may lie on another disk."""
    mark = disks.folders["library"] / ".vlogd-volume"
    mark.rename(disks.state / "mark")
    mark.symlink_to(disks.state / "mark")
    assert disks.volumes().problem() is not None


def test_a_folder_that_cannot_be_made(disks: Disks) -> None:
    """Its place is taken by a file."""
    disks.archive.write_text("")
    with pytest.raises(Unavailable, match=r"The archive folder .* cannot be written"):
        disks.volumes().check("archive")


def test_room(disks: Disks) -> None:
    """The reserve counts for what is to be written, on the disk of the folder that is meant."""
    disks.volumes().check_room({"library": 1, "state": 1, "originals": 1})
    disks.volumes(reserve_bytes=HUGE_BYTES).check_room({"library": 0})
    for name in ("library", "state", "archive"):
        disks.archive.mkdir(exist_ok=True)
        with pytest.raises(Unavailable, match=f"too little room for the next part on the disk of {name}"):
            disks.volumes().check_room({name: HUGE_BYTES})
    with pytest.raises(Unavailable, match="MiB are needed with the reserve"):
        disks.volumes(reserve_bytes=HUGE_BYTES).check_room({"library": 1})


def test_one_disk_in_two_places(disks: Disks) -> None:
    """What no path shows: a mount of the originals over the network (a fake: the same mark) is no archive."""
    disks.archive.mkdir()
    shutil.copy(disks.folders["originals"] / ".vlogd-volume", disks.archive)
    with pytest.raises(Unavailable, match="may be one folder on one disk"):
        disks.volumes().check("archive")
    (disks.archive / ".vlogd-volume").unlink()
    disks.volumes().check("archive")
    disks.volumes().check()


@pytest.fixture
def leased(disks: Disks) -> Iterator[Callable[[Path], Volumes]]:
    """Makes volumes that take the lease of the given originals, with a state folder of their own."""
    made: list[Volumes] = []

    def volumes(originals: Path) -> Volumes:
        state = disks.state.with_name(f"state of {originals.name}")
        state.mkdir(exist_ok=True)
        folders = {**disks.folders, "originals": originals}
        made.append(Volumes(state, folders, 0, leases=[Lease("originals", originals, state)]))
        return made[-1]

    yield volumes
    for each in made:
        each.close()


def test_a_library_belongs_to_its_first_originals(disks: Disks, leased: Callable[[Path], Volumes]) -> None:
    """Others are refused, as new ones, with an empty mark, and with one of their own; its own may be moved."""
    library, originals = disks.folders["library"], disks.folders["originals"]
    leased(originals).check()
    others = originals.with_name("others")
    others.mkdir()
    with pytest.raises(Unavailable, match="configure a library of their own"):
        leased(others).check()
    for mark in ("", "0123\n"):
        (others / ".vlogd-volume").write_text(mark)
        with pytest.raises(Unavailable, match=f"belongs to other originals .{originals} on ") as refused:
            leased(others).check()
    assert f"remove {library}/.workshop/originals.json" in str(refused.value)
    assert {path.name for path in others.iterdir()} == {".vlogd-volume"}
    (library / ".workshop/originals.json").unlink()
    volumes = leased(others)
    volumes.check()
    volumes.close()
    moved = others.rename(others.with_name("moved"))
    leased(moved).check()


def test_an_empty_mark_is_filled(disks: Disks, leased: Callable[[Path], Volumes]) -> None:
    """It tells nothing apart, as earlier versions left it."""
    originals = disks.folders["originals"]
    (originals / ".vlogd-volume").write_text("")
    state = disks.state.with_name("state of originals")
    state.mkdir()
    (state / "volumes.json").write_text(json.dumps({str(originals): ""}))
    leased(originals).check()
    mark = (originals / ".vlogd-volume").read_text().splitlines()[0]
    assert len(mark) == 32
    assert json.loads((state / "volumes.json").read_text())[str(originals)] == mark


def test_a_library_whose_owner_cannot_be_read(disks: Disks, leased: Callable[[Path], Volumes]) -> None:
    """It may be somebody else's."""
    workshop = disks.folders["library"] / ".workshop"
    workshop.mkdir()
    (workshop / "originals.json").write_text("{")
    with pytest.raises(Unavailable, match=r"originals\.json cannot be read"):
        leased(disks.folders["originals"]).check()
