"""Root's commands work as the user who owns the state folder.

Root must not touch paths in folders of somebody else: their owner may put a link to any file of the machine there. So a
command that root runs gives up root's rights before it opens anything but the configuration, which root named or owns.
"""

import errno
import os
import pwd
import stat
from contextlib import ExitStack
from pathlib import Path, PurePath

from vlogd.core.errors import Unavailable

_MOST_LINKS = 40
"""As many as the kernel follows (path_resolution(7))."""


def become_owner(folder: Path) -> None:
    """As root, continue as the user whose folder this is, most often the state folder; as anybody else, do nothing.

    Raises Unavailable when that is impossible, or when that user could not work.
    """
    if os.geteuid() != 0:
        return
    owner = _owner(folder)
    if owner is None:
        return
    name = _name(owner.st_uid)
    try:
        _become(owner)
    except OSError as error:
        raise Unavailable(
            f"{folder} is under the control of {name}, and root cannot become that user here ({error.strerror}); "
            f"run it as {name} instead."
        ) from error
    if not os.access(Path(__file__).parent, os.R_OK | os.X_OK):
        raise Unavailable(
            f"{folder} is under the control of {name}, who cannot read vlogd's program files in "
            f"{Path(__file__).parents[1]}; let everybody read them."
        )
    _check_own_files(folder, name)


def check_found(config: Path) -> None:
    """Raise Unavailable when root should obey a configuration that was found, not named, and that others can exchange."""
    if os.geteuid() != 0 or not config.exists():
        return
    foreign = [status.st_uid for status in (config.parent.stat(), config.lstat()) if status.st_uid != 0]
    if foreign:
        raise Unavailable(
            f"{config.absolute()} is under the control of {_name(foreign[0])}; as root name it if you mean it: "
            f"--config {config}."
        )


def check_readable(state: Path) -> None:
    """Raise Unavailable, with what to do, when the state folder is there and is not open to this user."""
    owner = "vlogd's user"
    try:
        owner = f"the user {_name(state.stat().st_uid)}"
        is_readable = os.access(state, os.R_OK | os.X_OK)
    except (FileNotFoundError, NotADirectoryError):
        return  # it is yet to be made
    except PermissionError:
        is_readable = False
    if not is_readable:
        raise Unavailable(
            f"The state folder {state} is open to root and to {owner} only; run the command as one of them, for "
            "example with sudo."
        )


def _become(owner: os.stat_result) -> None:
    """Groups first: afterwards they can't be changed any more (setresuid(2)). The rights of root go with its uid."""
    try:
        user = pwd.getpwuid(owner.st_uid)
    except KeyError:
        os.setgroups([])
        gid = owner.st_gid
    else:
        os.initgroups(user.pw_name, user.pw_gid)
        gid = user.pw_gid
        os.environ["HOME"] = user.pw_dir  # caches lie there
    os.setresgid(gid, gid, gid)
    os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)


def _owner(state: Path) -> os.stat_result | None:
    """The status that names the owner; None when everything is root's.

    That is the folder's owner. Where the folder is root's, it is the journal's, so that a daemon that may write there by
    its group is found; or else that of the nearest folder or link on the way, who decides what lies behind it.
    """
    *way, folder = _on_the_way(state)
    journal = state / "journal.db"
    found = (folder, *([journal.lstat()] if os.path.lexists(journal) else []), *reversed(way))
    return next((status for status in found if status.st_uid != 0 and _is_mapped(status.st_uid)), None)


def _on_the_way(path: Path) -> list[os.stat_result]:
    """The status of each folder and link that leads from `/` to `path`, up to the first that isn't there."""
    with ExitStack() as opened:

        def open_in(folder: int | None, name: str) -> int:
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
            opened.callback(os.close, descriptor)
            return descriptor

        folder = open_in(None, "/")
        found = [os.fstat(folder)]
        names = list(reversed(path.absolute().parts[1:]))
        links = 0
        while names:
            try:
                descriptor = open_in(folder, names.pop())
            except (FileNotFoundError, NotADirectoryError):
                break
            found.append(os.fstat(descriptor))
            if not stat.S_ISLNK(found[-1].st_mode):
                folder = descriptor
                continue
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = PurePath(os.readlink("", dir_fd=descriptor))
            names += reversed(target.parts)  # an absolute one begins with "/", which leads back to the root
    return found


def _is_mapped(uid: int) -> bool:
    """Whether this user exists in our user namespace: root of a container has no power over others (user_namespaces(7))."""
    ranges = [map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(first <= uid < first + count for first, _outside, count in ranges)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"  # as sudo takes it


def _check_own_files(state: Path, name: str) -> None:
    """Raise Unavailable when the owner cannot change what root's vlogd of an earlier version wrote."""
    for path in (state, state / "journal.db"):
        if os.path.lexists(path) and not os.access(path, os.R_OK | os.W_OK):
            raise Unavailable(
                f"{path} does not belong to {name}, who controls the folder that it lies in; root's vlogd no longer works "
                f"as root there. Give {name} what it wrote (chown -R for state, originals and library), or move these to a "
                "folder of root's."
            )
