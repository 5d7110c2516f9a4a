"""What happens in the daemon, as plain values: the engine, ingest and the daemon emit, listeners react.

Whoever emits knows no listener. The log, the status file and the service manager are listeners (`notify/`); a
webhook or a counter would be one more. A new listener is a file in `notify/` and one line in `daemon/wiring.py`.

Events are emitted on the deciding thread only (other threads post theirs to it), so no listener ever runs
beside itself or another one. Every listener gets every event, in the order in which things happened, and must
return at once: while it runs, nothing is decided.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vlogd.core.daemon_status import DaemonStatus
from vlogd.core.log import get_logger
from vlogd.core.model import Item

_log = get_logger()


class Event:
    """Common parent of all events. `why` is always a sentence for people, `seconds` are of wall time."""


Listener = Callable[[Event], None]
"""Takes every event, looks at those it cares about, and returns at once."""

Emit = Callable[[Event], None]
"""`Events.emit`, as it is handed to whoever emits."""


class Events:
    """Hands each event to every listener."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def emit(self, event: Event) -> None:
        """Call all listeners. One that raises is logged, and the others are called all the same."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:  # noqa: BLE001 - whatever a listener does wrong, the work goes on
                name = getattr(listener, "__qualname__", type(listener).__qualname__)
                _log.error("listener.failed", listener=name, missed=type(event).__name__, exc_info=error)


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
    """An essential stage was parked: without a person nothing more happens to it."""

    why: str


class ItemRetried(ItemEvent):
    """Somebody asked for what failed, or was cancelled, to be tried again."""


class ItemCancelled(ItemEvent):
    """Somebody asked for nothing more to be made of it."""


class ItemRemoving(ItemEvent):
    """Somebody asked for it to be removed; that waits until nothing of it runs."""


class ItemRemoved(ItemEvent):
    """It lies in the trash, or was deleted for good."""


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
    """A part failed in a way, or so often, that the step is not tried again by itself. `kind` is the error's class."""

    stage: str
    part: str
    kind: str
    why: str


@dataclass(frozen=True)
class PartStarted(ItemEvent):
    """A part of a step runs now."""

    stage: str
    part: str


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
    """A dropped file is no video; it lies at `moved_to` with a note beside it."""

    file: Path
    why: str
    moved_to: Path


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
    """The trouble with an inbox is over."""

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
    """What lay long enough in the trash or in `_failed` was deleted, by these names."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class MaintenanceFailed(Event):
    """A `task` ("archiving an original", "emptying the trash") failed; the next look at the library tries again."""

    task: str
    why: str
    item: Item | None = None


@dataclass(frozen=True)
class DaemonStarted(Event):
    """The daemon watches its inboxes and works."""

    library: Path
    stages: tuple[str, ...]


@dataclass(frozen=True)
class DaemonStopping(Event):
    """A signal, by its name, asked the daemon to end."""

    signal: str


@dataclass(frozen=True)
class WorkAbandoned(Event):
    """Threads that wait for a disk were left behind at the end; what they were doing is done again."""

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
    """A changed configuration cannot be used; the one from before stays in force."""

    problem: str


@dataclass(frozen=True)
class Bug(Event):
    """An error that nobody foresaw, with its traceback. `where` names the part of vlogd or of the step."""

    error: BaseException
    where: str
    item: Item | None = None


@dataclass(frozen=True)
class Heartbeat(Event):
    """The deciding loop turns: every 2 seconds at least, so that a service manager sees that it lives."""

    status: DaemonStatus
