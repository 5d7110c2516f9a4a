"""The kernel's list of mounts, read byte by byte."""

from pathlib import Path

import pytest

from vlogd.storage import mounts

MOUNTS = rb"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
35 21 0:30 / /srv rw,relatime shared:2 master:3 - btrfs /dev/sdb rw
36 35 0:31 / /srv/nas rw - nfs4 server:/export rw,vers=4.2
37 35 0:32 / /srv/with\040space\134and\012line rw - cifs //server/share rw
38 35 0:33 / /srv/caf\351 rw - 9p host rw
39 21 0:34 / /srv/nas2 rw - xfs /dev/sdc rw
40 21 0:35 / /srv/nas rw - fuse.sshfs host: rw
truncated line
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A list of mounts as proc(5) describes it."""
    path = tmp_path / "mountinfo"
    path.write_bytes(MOUNTS.replace(rb"\351", b"\xe9"))
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/films", "ext4"),
        ("/srv", "btrfs"),
        ("/srv/films", "btrfs"),
        ("/srv/nas", "fuse.sshfs"),
        ("/srv/nas/films", "fuse.sshfs"),
        ("/srv/nas2", "xfs"),
        ("/srv/nas3", "btrfs"),
        ("/srv/with space\\and\nline/films", "cifs"),
        ("/srv/caf\udce9/films", "9p"),
    ],
)
def test_the_innermost_mount_counts(folder: str, kind: str, table: Path) -> None:
    """And of two at the same place the later one, which covers the other."""
    assert mounts.file_system(Path(folder), table) == kind


def test_without_any_line(tmp_path: Path) -> None:
    """An odd container may have none."""
    (tmp_path / "mountinfo").write_bytes(b"")
    assert mounts.file_system(Path("/srv"), tmp_path / "mountinfo") == ""


def test_the_real_list() -> None:
    """Linux always has /proc on proc."""
    assert mounts.file_system(Path("/proc")) == "proc"


BINDS = b"""
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 8:1 /srv/originals /mnt/archive rw - ext4 /dev/sda1 rw
23 21 8:1 /srv/originals/sub /mnt/inner rw - ext4 /dev/sda1 rw
24 21 8:2 /srv/originals /mnt/other rw - ext4 /dev/sda2 rw
25 21 8:1 /srv /mnt/outer rw - ext4 /dev/sda1 rw
"""


@pytest.mark.parametrize(
    ("folder", "relation"),
    [
        ("/mnt/archive", "is the same folder as originals"),
        ("/mnt/archive/new", "is inside originals"),
        ("/mnt/inner", "is inside originals"),
        ("/mnt/inner/deeper", "is inside originals"),
        ("/mnt/outer", "is inside archive"),
        ("/mnt/outer/originals", "is the same folder as originals"),
        ("/mnt/other", ""),
        ("/mnt/outer/elsewhere", ""),
        ("/srv/originals2", ""),
    ],
)
def test_folders_that_are_one_by_a_mount(folder: str, relation: str, tmp_path: Path) -> None:
    """Also a part of one, and an equal path on another disk is another folder."""
    (tmp_path / "mountinfo").write_bytes(BINDS)
    folders = {"originals": Path("/srv/originals"), "archive": Path(folder)}
    sentences = list(mounts.overlaps(folders, tmp_path / "mountinfo"))
    assert [relation in sentence for sentence in sentences] == ([True] if relation else [])


def test_folders_that_are_one_by_a_link(tmp_path: Path) -> None:
    """A link may lead into another folder, also to where nothing is yet."""
    (tmp_path / "originals").mkdir()
    (tmp_path / "link").symlink_to("originals")
    for name in ("link", "link/new"):
        folders = {"originals": tmp_path / "originals", "archive": tmp_path / name}
        assert len(list(mounts.overlaps(folders))) == 1
    folders = {"originals": tmp_path / "originals", "archive": tmp_path / "archive"}
    assert list(mounts.overlaps(folders)) == []
