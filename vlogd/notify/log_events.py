"""The listener that writes the log: one line for each event, with the event's fields.

The names of the lines are an interface: people filter by them (`journalctl -t vlogd VLOGD_EVENT=item.ready`,
docs/install.md), so that one changes only when what it names changes.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vlogd.core import events
from vlogd.core.events import Event
from vlogd.core.log import get_logger
from vlogd.core.model import Item

_log = get_logger()


class Line(NamedTuple):
    """How an event is logged."""

    name: str
    level: Literal["info", "warning", "error"] = "info"


LINES: Mapping[type[Event], Line] = {
    events.ItemAccepted: Line("item.accepted"),
    events.ItemDuplicate: Line("item.duplicate"),
    events.ItemPlayable: Line("item.playable"),
    events.ItemReady: Line("item.ready"),
    events.ItemFailed: Line("item.failed", "warning"),
    events.ItemDamaged: Line("item.damaged", "error"),
    events.ItemRetried: Line("item.retried"),
    events.ItemCancelled: Line("item.cancelled"),
    events.ItemRemoving: Line("item.removing"),
    events.ItemRemoved: Line("item.removed"),
    events.ItemRestored: Line("item.restored"),
    events.ItemNotRestored: Line("item.not_restored", "warning"),
    events.ItemsAdopted: Line("items.adopted"),
    events.OriginalRetired: Line("original.retired"),
    events.StepWanted: Line("step.wanted"),
    events.StepDone: Line("step.done"),
    events.StepParked: Line("step.parked", "warning"),
    events.PartStarted: Line("part.started"),
    events.PartHeavy: Line("part.heavy", "warning"),
    events.PartDone: Line("part.done"),
    events.PartFailed: Line("part.failed", "warning"),
    events.FileFailed: Line("file.failed", "warning"),
    events.FileLeft: Line("file.left", "warning"),
    events.InboxTrouble: Line("inbox.trouble", "warning"),
    events.InboxRecovered: Line("inbox.recovered"),
    events.VolumeMissing: Line("volume.missing", "warning"),
    events.LibraryUnavailable: Line("library.waits", "warning"),
    events.TrashEmptied: Line("trash.emptied"),
    events.MaintenanceFailed: Line("maintenance.failed", "warning"),
    events.DaemonStarted: Line("vlogd.started"),
    events.DaemonStopping: Line("vlogd.stopping"),
    events.WorkAbandoned: Line("vlogd.abandoned_work", "error"),
    events.DaemonStopped: Line("vlogd.stopped"),
    events.ConfigReloaded: Line("config.reloaded"),
    events.ConfigRefused: Line("config.refused", "error"),
    events.Bug: Line("bug", "error"),
}
"""Every event that leaves a line. A `Heartbeat` leaves none."""


def log_event(event: Event) -> None:
    """Write the line of `event`, if it has one."""
    line = LINES.get(type(event))
    if line is not None:
        getattr(_log, line.level)(line.name, **_values(event))


def _values(event: Event) -> dict[str, Any]:
    """The fields of an event that are set, as the log shows them."""
    values: dict[str, Any] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, BaseException):
            values["exc_info"] = value
        elif value is not None:
            values["item" if field.name == "item_id" else field.name] = _shown(value)
    return values


def _shown(value: Any) -> Any:
    """An item by its slug, seconds with one decimal, several names with spaces between them."""
    match value:
        case Item():
            return value.slug
        case float():
            return round(value, 1)
        case tuple():
            return " ".join(value)
        case Path():
            return str(value)
    return value
