"""Opens what a configuration names, at a start and at a reload: its disks, and the state folder for one daemon."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vlogd.config import Config, named_folders
from vlogd.core import private
from vlogd.core.errors import Unavailable
from vlogd.daemon import request_key
from vlogd.daemon.lock import Lock
from vlogd.storage import mounts
from vlogd.storage.journal import Journal
from vlogd.storage.journal_recovery import open_journal
from vlogd.storage.lease import Lease
from vlogd.storage.volumes import Volumes
from vlogd.storage.waiting_times import WaitingTimes
from vlogd.storage.workshop import Workshop


@dataclass(frozen=True)
class State:
    """A locked state folder: its journal, an empty scratch folder, and how long things have waited to be deleted."""

    lock: Lock
    journal: Journal
    scratch: Path
    waiting: WaitingTimes

    def close(self) -> None:
        """Release the folder for another daemon."""
        with suppress(OSError):  # then they wait longer
            self.waiting.save()
        self.journal.close()
        self.lock.release()


def volumes_of(config: Config) -> Volumes:
    """The disks of a configuration, with the leases of those that only one vlogd may use."""
    folders = {"originals": config.originals, "library": config.library}
    optional = {"archive": config.retention.archive} if config.retention.archive else {}
    leased = {"originals": config.originals, "library": Workshop(config.library).folder}
    leases = [Lease(name, folder, config.state) for name, folder in leased.items()]
    return Volumes(config.state, folders, config.reserve_bytes, optional, leases)


def open_state(config: Config) -> State:
    """Lock the state folder, close it to other users and open its journal.

    Raises Unavailable with a sentence, and leaves nothing locked.

    Refuses folders that lie in one another by a link or a mount: the configuration shows their paths only.
    """
    try:
        problems = list(mounts.overlaps(named_folders(config)))
        if problems:
            raise Unavailable(" ".join(problems))
        private.make_folder(config.state)
        lock = Lock(config.state)
        try:
            request_key.make(config.state)
            scratch = config.state / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            private.make_folder(scratch)
            return State(lock, open_journal(config.state), scratch, WaitingTimes(config.state))
        except BaseException:
            lock.release()
            raise
    except OSError as error:
        raise Unavailable(f"The state folder {config.state} cannot be used: {error.strerror}.") from error
