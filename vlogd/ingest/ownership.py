"""What is accepted is vlogd's own: nobody else can write to it, or knows it by another name.

A rename keeps a file's owner, who may change its mode and open it again, also through a descriptor that was opened for
reading (proc(5), /proc/pid/fd). So a claimed file is adopted when its inode can be made vlogd's alone; otherwise it is
replaced by a copy, which shares the dropped file's blocks where the file system can do that:

    <claim>/<file name>                        the file, or its finished copy
    <claim>/.vlogd-dropped/<file name>         the file as it was dropped, once <claim>/<file name> is the copy
    <claim>/.vlogd-aside/<file name>           … a moment before
    <claim>/.vlogd-copied                      <claim>/<file name> is a copy from another file system
    <claim>/.vlogd-new-…                       an unfinished copy

What turns out to be no video goes to `_failed` as it was dropped.
"""

import os
import shutil
import stat
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from vlogd.core import contents, files
from vlogd.core.cancellation import Stop
from vlogd.core.descriptors import Folder
from vlogd.ingest.completeness import is_open_for_writing
from vlogd.ingest.file_state import FileState, is_unchanged, state_of

DROPPED = f"{files.OWN_PREFIX}dropped"
_ASIDE = f"{files.OWN_PREFIX}aside"
_COPIED = f"{files.OWN_PREFIX}copied"

_ACL = "system.posix_acl_access"
_FOREIGN_ATTRIBUTES = ("user.", "trusted.", _ACL, "security.capability")
"""Extended attributes that come with a dropped file (xattr(7)). Others are the file system's or the kernel's own."""


def is_private_link(file: BinaryIO, folder: Folder) -> bool:
    """Whether a file in an inbox is another name of one that vlogd may read, and not everybody who may have put it there.

    Everybody may have given it this name where the kernel does not protect hard links (proc(5), protected_hardlinks).
    Another user's file that vlogd may read without being root is one that this user shares.
    """
    status, parent, user = os.fstat(file.fileno()), folder.own_status(), os.geteuid()
    if status.st_nlink == 1 or user not in (0, status.st_uid):
        return False
    others_may_write = parent.st_uid not in (user, status.st_uid) or parent.st_mode & (
        stat.S_IWGRP | stat.S_IWOTH
    )
    group_may_read = status.st_gid == parent.st_gid and status.st_mode & stat.S_IRGRP
    return bool(others_may_write and not group_may_read and not status.st_mode & stat.S_IROTH)


def make_own(folder: Folder, name: str, stop: Stop, check_room: Callable[[int], None]) -> None:
    """Make a claimed file vlogd's own; may be called again after a crash.

    `check_room(bytes)` raises Unavailable when the disk lacks them. Raises FileNotFoundError when the file is still being
    written, or is none; it is as it was dropped then. Raises OSError, Unavailable, Stopping.
    """
    if folder.has(_COPIED) or folder.has(DROPPED):
        return
    with folder.open_file(name) as file:
        expected = state_of(os.fstat(file.fileno()))
        if _adopt(file, expected, owner=folder.own_status().st_uid):
            return
        copied = _copy(file, expected, folder, stop, check_room)
    with folder.make_folder(_ASIDE, 0o700) as aside:
        folder.rename(name, aside, name)
    folder.rename(_ASIDE, folder, DROPPED)
    folder.rename(copied, folder, name)
    folder.sync()


def copy_in(
    file: BinaryIO,
    expected: FileState,
    folder: Folder,
    name: str,
    stop: Stop,
    check_room: Callable[[int], None],
) -> None:
    """Copy a dropped file from another file system into its claim's folder. Raises as `make_own` does."""
    copied = _copy(file, expected, folder, stop, check_room)
    folder.create_file(_COPIED).close()
    folder.rename(copied, folder, name)
    folder.sync()


def recover(folder: Folder) -> None:
    """Undo a replacement that a crash interrupted, and remove unfinished copies beside a file. Raises OSError.

    A folder without any file is left as it is: it may be about to get one.
    """
    names = {entry.name for entry in folder.entries()}
    has_file = not all(name.startswith(files.OWN_PREFIX) for name in names)
    places = names & ({_ASIDE} if has_file else {_ASIDE, DROPPED})
    for place in places:
        with folder.folder(place) as aside:
            for entry in list(aside.entries()):
                aside.rename_new(entry.name, folder, entry.name)
        folder.remove_folder(place)
    if has_file or places:
        for name in names:
            if name.startswith(files.TEMPORARY_PREFIX):
                folder.unlink(name)


def forget_dropped(folder: Path) -> None:
    """Remove what a replacement left in a claim's folder: the file in it is accepted. Raises OSError."""
    (folder / _COPIED).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(folder / DROPPED)


def give_back(file: BinaryIO, owner: int, mode: int) -> None:
    """Give a file that was adopted its owner and its permissions back, as far as that is allowed; never the setuid bits."""
    with suppress(OSError):
        if os.fstat(file.fileno()).st_uid != owner:
            os.fchown(file.fileno(), owner, -1)
        os.fchmod(file.fileno(), mode & 0o777)


def _adopt(file: BinaryIO, expected: FileState, owner: int) -> bool:
    """Make the inode itself vlogd's alone. False when that cannot be; then it is as it was.

    `owner` is whom vlogd's own files belong to there: another than its user on file systems that map users. The
    permissions come first: from then on nobody can open it for writing, and who did before is found by the lease.
    """
    before = os.fstat(file.fileno())
    if before.st_nlink != 1:
        return False
    try:
        if before.st_uid != owner:
            os.fchown(file.fileno(), owner, -1)  # root may do that
        with suppress(PermissionError):  # FAT and SMB have permissions of their own making
            os.fchmod(file.fileno(), _mode(file))
        _require_unchanged(file, expected)
        for name in _attributes(file):
            if name.startswith(_FOREIGN_ATTRIBUTES):
                os.removexattr(file.fileno(), name)
        if os.fstat(file.fileno()).st_nlink == 1:
            return True
    except FileNotFoundError:
        give_back(file, before.st_uid, before.st_mode)
        raise
    except OSError:
        pass
    give_back(file, before.st_uid, before.st_mode)
    return False


def _copy(
    file: BinaryIO, expected: FileState, folder: Folder, stop: Stop, check_room: Callable[[int], None]
) -> str:
    """Copy a dropped file, with its times, read the copy back, and return its temporary name.

    Raises FileNotFoundError when the file is not as expected afterwards, or is open for writing.
    """
    temporary = f"{files.TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        with folder.create_file(temporary) as copied:
            is_clone = contents.clone(file, copied)
            if not is_clone:
                check_room(expected.size_bytes)
                contents.copy(file, copied, stop)
            contents.copy_times(file, copied)
            with suppress(PermissionError):
                os.fchmod(copied.fileno(), _mode(file))
            os.fsync(copied.fileno())
            is_same = is_clone or contents.are_same(file, copied, stop)
        _require_unchanged(file, expected, is_same=is_same)
    except BaseException:
        with suppress(OSError):
            folder.unlink(temporary)
        raise
    return temporary


def _require_unchanged(file: BinaryIO, expected: FileState, *, is_same: bool = True) -> None:
    if not is_same or not is_unchanged(file, expected) or is_open_for_writing(file):
        raise FileNotFoundError(file.name)


def _mode(file: BinaryIO) -> int:
    """Who could read it still can, where the folders let them; none but vlogd can write.

    With an access control list the group's bits are the list's mask (acl(5)); the list goes, so they go as well.
    """
    readers = 0o404 if _ACL in _attributes(file) else 0o444
    return os.fstat(file.fileno()).st_mode & readers | stat.S_IRUSR | stat.S_IWUSR


def _attributes(file: BinaryIO) -> list[str]:
    with suppress(OSError):  # a file system without any
        return os.listxattr(file.fileno())
    return []
