"""Whether a lock on a file is seen by everybody who uses the same files, also from other machines."""

from dataclasses import dataclass
from pathlib import Path

from vlogd.storage import mounts

_LOCKING_SERVERS = ("nfs", "cifs", "smb", "ceph", "fuse.glusterfs", "ocfs2", "gfs2")
"""How the types of file systems begin whose locks cross machines, unless an option prevents it."""

_LOCKS_STAY_LOCAL = frozenset({"nolock", "local_lock=all", "local_lock=posix", "nobrl"})
"""Options with which locks on ranges of bytes are not sent to the server: nfs(5), mount.cifs(8)."""

_WITHOUT_SHARED_LOCKS = ("fuse", "9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "afs", "coda", "orangefs")
"""How the types of other file systems begin that several machines may share."""

_LOCAL_FUSE = frozenset(
    {"fuseblk", "fuse.mergerfs", "fuse.shfs", "fuse.bindfs", "fuse.gocryptfs", "fuse.ntfs-3g"}
)
"""File systems in user space on disks of this machine: all who use them ask the same kernel."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system: its type, such as "ext4" or "nfs4" ("" if unknown), and its options."""

    kind: str = ""
    options: frozenset[str] = frozenset()

    @property
    def is_remote(self) -> bool:
        """Whether its locks are kept by a server, which emulates them by locks on a range of bytes (flock(2), notes)."""
        return self.kind.startswith(_LOCKING_SERVERS)

    @property
    def shares_locks(self) -> bool:
        """Whether a lock is seen from all machines.

        A disk is used by one kernel, which has all locks. Of a network file system it depends on its options (nfs(5),
        mount.cifs(8)), and the others are taken for one that keeps its locks to itself.
        """
        if self.is_remote:
            return not self.options & _LOCKS_STAY_LOCAL
        return not self.kind.startswith(_WITHOUT_SHARED_LOCKS) or self.kind in _LOCAL_FUSE


def mount_of(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> Mount:
    """The file system that `folder` is on; `table` is the kernel's list of mounts."""
    place = mounts.place(folder, table)
    return Mount() if place is None else Mount(place.kind, place.options)
