"""What is published of one item: its report, and what each of its stages shows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vlogd.core.model import Item, Json, View

Status = Literal["queued", "processing", "ready", "failed"]


@dataclass(frozen=True)
class StageReport:
    """One stage of one item. `essential` ones decide about the item."""

    status: str
    progress: float
    error: str | None
    essential: bool


@dataclass(frozen=True)
class Report:
    """One item. Times are epoch seconds; `progress` is 0 to 100 over the essential stages."""

    id: str
    slug: str
    title: str
    status: Status
    progress: float
    playable: bool
    duration_seconds: float | None
    error: str | None
    notes: tuple[str, ...]
    stages: Mapping[str, StageReport]
    added_at: float
    ready_at: float | None
    eta_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class StageView:
    """What one stage shows: `view`, whose files lie in `folder`, a name inside the item's folder."""

    folder: str
    view: View


@dataclass(frozen=True)
class Publication:
    """All that viewers may see of one item. `facts` are those of the views as one mapping; views come in pipeline order.

    `keeps_earlier`: something of it is lost and its original is not there, so that what was published of it earlier stays
    where nothing replaces it, except the names in `withdrawn`, which are no longer for viewers.
    """

    item: Item
    report: Report
    views: Mapping[str, StageView]
    facts: Mapping[str, Json]
    keeps_earlier: bool = False
    withdrawn: frozenset[str] = frozenset()
