"""Which file systems' locks are seen by other machines."""

from pathlib import Path

import pytest

from vlogd.storage.mount_locks import mount_of


@pytest.mark.parametrize(
    ("kind", "options", "shares_locks", "is_remote"),
    [
        ("ext4", "rw", True, False),
        ("tmpfs", "rw", True, False),
        ("fuse.mergerfs", "rw", True, False),
        ("fuse.sshfs", "rw", False, False),
        ("9p", "rw,trans=virtio", False, False),
        ("virtiofs", "rw", False, False),
        ("nfs4", "rw,vers=4.2,local_lock=none", True, True),
        ("nfs", "rw,vers=3,local_lock=flock", True, True),
        ("nfs", "rw,vers=3,nolock,local_lock=all", False, True),
        ("cifs", "rw,vers=3.1.1", True, True),
        ("cifs", "rw,vers=3.1.1,nobrl", False, True),
    ],
)
def test_locks_that_cross_machines(
    kind: str,
    options: str,
    shares_locks: bool,
    is_remote: bool,
    tmp_path: Path,
) -> None:
    """As nfs(5) and mount.cifs(8) name the options."""
    table = tmp_path / "mountinfo"
    table.write_text(f"21 1 8:1 / / rw,relatime shared:1 - {kind} source {options}\n")
    mount = mount_of(Path("/srv"), table)
    assert (mount.kind, mount.shares_locks, mount.is_remote) == (kind, shares_locks, is_remote)
