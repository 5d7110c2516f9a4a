"""Who uses a folder: one vlogd at a time, also where several machines reach it.

    .vlogd-lease.lock    locked as long as the process lives that uses the folder (`folder_lock`)
    .vlogd-lease.json    which process that is

The lock decides wherever it is seen from all machines. On other file systems (sshfs, 9p, NFS with `nolock`) its holder
also counts up in the document; another vlogd believes that it is gone when the document has not changed for long enough
by the other one's own clock. See docs/decisions/0024-one-vlogd-per-folder.md.

All methods may wait for the disk, so the deciding thread calls none of them.
"""

import errno
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vlogd.core.documents import DocumentFormat
from vlogd.core.errors import Malformed, Unavailable
from vlogd.core.version import version
from vlogd.storage.folder_lock import FolderLock
from vlogd.storage.mount_locks import Mount, mount_of
from vlogd.storage.running_process import RunningProcess
from vlogd.storage.tree import Tree

DOCUMENT = ".vlogd-lease.json"
LOCK = ".vlogd-lease.lock"
OWNER = "owner.json"
"""In the state folder."""

_BEAT_SECONDS = 60.0
_LONGEST_BEAT_SECONDS = 600.0
_MISSED_BEATS = 2.5
"""After so many beats without a change the process that should beat counts as gone: one may be late, two are not."""

_CONFIRM_SECONDS = 3.0
"""Without a lock, two may find a folder free at the same moment. The later one wins, and the earlier one sees it by then."""

_MOST_BYTES = 64 << 10


@dataclass(frozen=True)
class _Owner:
    """A state folder, by a random id: what is started again on it continues what was begun."""

    id: str


@dataclass(frozen=True)
class Holder:
    """Who uses a folder. `started_at`: epoch seconds; `beats` counts up every `beat_seconds`, 0 where the lock suffices."""

    owner: str
    process: RunningProcess
    version: str
    started_at: float
    beat_seconds: float
    beats: int = 0

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started_at))
        return f"the vlogd on {self.process.host} (process {self.process.pid}, since {since})"


_OWNER_FORMAT = DocumentFormat.of("the owner of leases", _Owner)
_FORMAT = DocumentFormat.of("the lease", Holder, limit_bytes=_MOST_BYTES)


class Observing(Unavailable):
    """Nothing is known yet: whether another vlogd still runs is seen a little later."""


class Lease:
    """The use of one folder, taken by the first `check`. `name` is for people; `state` is this vlogd's state folder."""

    def __init__(
        self,
        name: str,
        folder: Path,
        state: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        mount_of: Callable[[Path], Mount] = mount_of,
    ) -> None:
        self._name = name
        self._folder = folder
        self._state = state
        self._clock = clock
        self._mount_of = mount_of
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._beating: threading.Thread | None = None
        self._lock: FolderLock | None = None
        self._holder: Holder | None = None
        self._document: bytes | None = None  # as it is while nobody else has taken the folder
        self._confirmed_at = 0.0
        self._seen: tuple[bytes, float, bool] | None = (
            None  # of another one: since when, and whether it changed
        )

    def check(self) -> None:
        """Take the folder, unless this process has it. Raises Unavailable, saying who has it or what is wrong with the disk."""
        with self._guard:
            if self._closed.is_set():
                raise Unavailable(f"This vlogd no longer uses the {self._name} folder {self._folder}.")
            try:
                if not self._is_held():
                    self._let_go()
                    self._take()
            except OSError as error:
                raise Unavailable(
                    f"The {self._name} folder {self._folder} cannot be taken into use: {error.strerror} ({error.filename or LOCK})."
                ) from error
            if self._clock() < self._confirmed_at:
                raise Observing(
                    f"The {self._name} folder {self._folder} is being taken; that takes a moment."
                )

    def close(self) -> None:
        """Leave the folder to others."""
        self._closed.set()
        with self._guard, suppress(OSError):
            if self._holder is not None and self._is_held():
                self._tree.unlink(DOCUMENT)
            self._let_go()

    @property
    def _tree(self) -> Tree:
        return Tree(self._folder)

    def _is_held(self) -> bool:
        if self._lock is None:
            return False
        try:
            return self._lock.is_of(self._folder / LOCK) and self._read() == self._document
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESTALE):  # another disk is mounted there, or none
                return False
            raise

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock = self._holder = self._document = None

    def _take(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        mount = self._mount_of(self._folder)
        try:
            lock = FolderLock(self._folder / LOCK, is_remote=mount.is_remote)
        except BlockingIOError as error:
            raise self._in_use(_parsed(self._read(), self._folder)) from error
        try:
            suffices = lock.works and mount.shares_locks
            me = Holder(
                _owner_of(self._state),
                RunningProcess.current(),
                version(),
                round(time.time(), 3),
                0.0 if suffices else _BEAT_SECONDS,
            )
            found = self._read()
            self._judge(found, me, mount)
            self._document = self._write(me, instead_of=found)
        except BaseException:
            lock.release()
            raise
        self._lock, self._holder, self._seen = lock, me, None
        if not suffices:
            self._confirmed_at = self._clock() + _CONFIRM_SECONDS
            self._begin_to_beat()

    def _judge(self, found: bytes | None, me: Holder, mount: Mount) -> None:
        """Raise Unavailable if the folder's document may be that of a vlogd that runs. This process has the lock."""
        if found is None:
            return
        lock_suffices = not me.beat_seconds
        holder = _parsed(found, self._folder)
        if holder is None:
            if not lock_suffices:
                self._observe(found, None)
            return
        here = me.process
        if holder.owner == me.owner and holder.process.machine == here.machine:
            return  # the lock on the state folder says that the earlier process is gone
        if holder.process.is_seen_from(here) and not holder.process.is_running():
            return
        if holder.beat_seconds:
            self._observe(found, holder)
        elif not lock_suffices:
            raise Unavailable(
                f"The {self._name} folder {self._folder} is or was used by {holder}. It is on {mount.kind}, which keeps locks "
                f"to one machine, so that cannot be seen from here. If that vlogd has ended, remove "
                f"{self._folder / DOCUMENT}; otherwise give this one folders of its own."
            )

    def _observe(self, found: bytes, holder: Holder | None) -> None:
        """Raise Unavailable until the document has not changed for long, by the clock of this process."""
        now = self._clock()
        if self._seen is None or self._seen[0] != found:
            self._seen = (found, now, self._seen is not None)
        _, since, has_changed = self._seen
        beat_seconds = min(_LONGEST_BEAT_SECONDS, holder.beat_seconds if holder else _BEAT_SECONDS)
        left_seconds = since + _MISSED_BEATS * beat_seconds - now
        if left_seconds <= 0:
            return
        if has_changed:
            raise self._in_use(holder)
        raise Observing(
            f"The {self._name} folder {self._folder} was used by {holder or 'another vlogd'}. vlogd watches for "
            f"{left_seconds:.0f} s more whether that one still runs, then it continues."
        )

    def _in_use(self, holder: Holder | None) -> Unavailable:
        return Unavailable(
            f"The {self._name} folder {self._folder} is in use by {holder or 'another vlogd'}. Two would lose each other's "
            "files, so this one waits and changes nothing there. Stop that one, or give this one folders of its own."
        )

    def _read(self) -> bytes | None:
        return self._tree.read_start(DOCUMENT, _MOST_BYTES)

    def _write(self, me: Holder, instead_of: bytes | None) -> bytes | None:
        """Write the document; what is there now. On a full disk the lock must suffice."""
        data = _FORMAT.encode(me)
        try:
            self._tree.write_bytes(DOCUMENT, data)
        except OSError as error:
            if me.beat_seconds or error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return instead_of
        return data

    def _begin_to_beat(self) -> None:
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, name=f"vlogd-lease-{self._name}", daemon=True)
            self._beating.start()

    def _beat(self) -> None:
        while not self._closed.wait(_BEAT_SECONDS):
            with suppress(OSError, Unavailable):  # `check` finds out, and says why
                self.beat()

    def beat(self) -> None:
        """Show others that this process lives. Writes nothing if the folder is theirs by now. Raises OSError."""
        with self._guard:
            if self._holder is not None and self._is_held():
                self._holder = replace(self._holder, beats=self._holder.beats + 1)
                self._document = self._write(self._holder, instead_of=self._document)


def _parsed(document: bytes | None, folder: Path) -> Holder | None:
    """Whom a document names; None for none, or a damaged one. Raises NewerFormat."""
    with suppress(Malformed):
        return None if document is None else _FORMAT.decode(document, folder / DOCUMENT).value
    return None


def _owner_of(state: Path) -> str:
    """The id of a state folder, which is made once."""
    with suppress(Malformed):
        document = Tree(state).read(_OWNER_FORMAT, OWNER)
        if document is not None:
            return document.value.id
    owner = _Owner(uuid.uuid4().hex)
    Tree(state).write(_OWNER_FORMAT, OWNER, owner)
    return owner.id
