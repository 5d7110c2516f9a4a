"""What only a running daemon knows, not the disk: progress of running parts, what waits and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DaemonStatus:
    """What only a running daemon knows, not the disk.

    `shares`: "<item id>/<stage>" to part to its share done, 0 to 1. `waits`: "<item id>/<stage>" to why it waits.
    `eta_seconds`: item id to the seconds left. `troubles`: place to sentence. `settling`: files that are still being
    written into inboxes. `waiting`: items that were not taken up yet. `summary`: all of it in one line.
    """

    pid: int
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waits: Mapping[str, str] = field(default_factory=dict)
    eta_seconds: Mapping[str, float] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    settling: int = 0
    waiting: int = 0
    summary: str = ""
