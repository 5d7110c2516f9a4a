"""What happens in the daemon, as plain values: the engine, ingest and the daemon emit, listeners react.

Emitters do not know the listeners. The log, the status file and the service manager are listeners (`notify/`); a
webhook or a counter would be one more. A new listener is a file in `notify/` and one line in `daemon/wiring.py`;
`tests/unit/core/test_core_events.py` has a small one to copy. One that does not want `Heartbeat` skips it.

Events are emitted on the deciding thread only (other threads post theirs to it), so listeners never run
concurrently. Every listener gets every event, in the order in which things happened, and must return at once: while
it runs, nothing is decided. Events carry no time, and `Bug.error` is an exception, so they are not JSON as they stand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.model import Item


@dataclass(frozen=True)
class Event:
    """Common parent of all events. `why` is always a sentence for people, `seconds` are of wall time."""


Listener = Callable[[Event], None]
"""Takes every event, handles the ones it needs, and returns at once."""

Emit = Callable[[Event], None]
"""`event_hub.Events.emit`, as emitters get it."""


@dataclass(frozen=True)
class ItemEvent(Event):
    """Something happened to `item`."""

    item: Item


@dataclass(frozen=True)
class ItemAccepted(ItemEvent):
    """A dropped file has become an item. `file` is where it was dropped."""

    file: Path


@dataclass(frozen=True)
class ItemDuplicate(ItemEvent):
    """A dropped file holds the same bytes as the original of `item`; the copy was deleted."""

    file: Path


class ItemPlayable(ItemEvent):
    """Viewers can begin to watch it; it may still be growing."""


class ItemReady(ItemEvent):
    """All its essential stages are current."""


@dataclass(frozen=True)
class ItemFailed(ItemEvent):
    """An essential stage was parked: nothing more happens until somebody runs `vlogd retry`."""

    why: str


class ItemRetried(ItemEvent):
    """A retry was requested."""


class ItemCancelled(ItemEvent):
    """It was cancelled."""


class ItemRemoving(ItemEvent):
    """Its removal was requested; it starts once none of its parts is running."""


class ItemRemoved(ItemEvent):
    """It is in the trash, or was deleted for good."""


class ItemRestored(ItemEvent):
    """It was brought back from the trash."""


@dataclass(frozen=True)
class ItemNotRestored(Event):
    """It could not be brought back from the trash."""

    item_id: str
    why: str


@dataclass(frozen=True)
class ItemsAdopted(Event):
    """Originals that the journal did not know were added to it at a start."""

    number: int


@dataclass(frozen=True)
class OriginalRetired(ItemEvent):
    """The original of a finished video was `how`: "archived" or "deleted"."""

    how: str


@dataclass(frozen=True)
class ItemDamaged(ItemEvent):
    """Files of a published item are lost and cannot be made again, because its original is not there."""

    why: str


@dataclass(frozen=True)
class StepWanted(ItemEvent):
    """A stage of an item is to be run; `reason` says why its artifact is not current."""

    stage: str
    reason: str


@dataclass(frozen=True)
class StepDone(ItemEvent):
    """A step has become an artifact. `seconds` are those of its parts together."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class StepParked(ItemEvent):
    """A part failed permanently or too often; the step needs `vlogd retry`. `kind` is the error's class."""

    stage: str
    part: str
    kind: str
    why: str


@dataclass(frozen=True)
class PartStarted(ItemEvent):
    """A part of a step has started."""

    stage: str
    part: str


@dataclass(frozen=True)
class PartHeavy(ItemEvent):
    """A part that may take more memory than is allowed for all together was started, while no other runs."""

    stage: str
    part: str
    why: str


@dataclass(frozen=True)
class PartDone(ItemEvent):
    """A part's files are in place and its receipt is written."""

    stage: str
    part: str
    seconds: float


@dataclass(frozen=True)
class PartFailed(ItemEvent):
    """A part failed and will be tried again. `kind` is the error's class."""

    stage: str
    part: str
    kind: str
    why: str


@dataclass(frozen=True)
class FileFailed(Event):
    """A dropped file is not a video; it lies at `moved_to` with a note beside it. `tool_output`: what ffprobe printed."""

    file: Path
    why: str
    moved_to: Path
    tool_output: str | None = None


@dataclass(frozen=True)
class FileLeft(Event):
    """A file in an inbox is not taken, for now or until somebody does something about it."""

    file: Path
    why: str


@dataclass(frozen=True)
class InboxTrouble(Event):
    """An inbox, named by `inbox`, cannot be used as it should be."""

    inbox: str
    why: str


@dataclass(frozen=True)
class InboxRecovered(Event):
    """An inbox can be used again."""

    inbox: str


@dataclass(frozen=True)
class VolumeMissing(Event):
    """A disk that the configuration names is not there; nothing is done until it is."""

    why: str


@dataclass(frozen=True)
class LibraryUnavailable(Event):
    """Something on the library's disk could not be done (for `item`, if for one) and is tried again later."""

    why: str
    item: Item | None = None


@dataclass(frozen=True)
class TrashEmptied(Event):
    """Expired files in the trash or `_failed` were deleted; `names` lists them."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class MaintenanceFailed(Event):
    """A `task` ("archiving an original", "emptying the trash") failed; the next look at the library tries again."""

    task: str
    why: str
    item: Item | None = None


@dataclass(frozen=True)
class DaemonStarted(Event):
    """The daemon is running and watches its inboxes."""

    library: Path
    stages: tuple[str, ...]


@dataclass(frozen=True)
class DaemonStopping(Event):
    """The signal named by `signal` told the daemon to stop."""

    signal: str


@dataclass(frozen=True)
class WorkAbandoned(Event):
    """Threads that wait for a disk were abandoned on shutdown; their work is repeated at the next start."""

    why: str


@dataclass(frozen=True)
class DaemonStopped(Event):
    """The last event of a daemon."""


@dataclass(frozen=True)
class ConfigReloaded(Event):
    """A changed configuration takes effect: a new daemon follows in the same process."""

    file: Path


@dataclass(frozen=True)
class ConfigRefused(Event):
    """A changed configuration cannot be used; the previous one stays in force."""

    problem: str


@dataclass(frozen=True)
class Bug(Event):
    """An unexpected error, with its traceback. `where` names the part of vlogd or of the step."""

    error: BaseException
    where: str
    item: Item | None = None


@dataclass(frozen=True)
class Heartbeat(Event):
    """The loop is alive; emitted at least every 2 seconds, for the service manager's watchdog."""

    status: DaemonStatus
