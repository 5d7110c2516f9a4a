"""What the running daemon says of itself: `<state>/live.json`, which the command line reads.

There is no API server. The daemon writes this small file when something changed, at most once a second.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vlogd.core import files

_LIVE = "live.json"


@dataclass(frozen=True)
class Live:
    """`shares`: "item/stage" to part to 0..1; `waits`: "item/stage" to why it rests; `eta_seconds` by item; `settling`: files being waited for."""

    pid: int
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waits: Mapping[str, str] = field(default_factory=dict)
    eta_seconds: Mapping[str, float] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    settling: int = 0
    waiting: int = 0


def write(state: Path, live: Live) -> None:
    """Replace what the command line reads. Not synced to the disk: it is worth nothing after a crash."""
    temporary = state / f"{files.TEMPORARY_PREFIX}live"
    temporary.write_bytes(files.json_bytes(asdict(live)))
    temporary.replace(state / _LIVE)


def read(state: Path) -> Live | None:
    """What the daemon said last; None when it never did. `daemon.lock.is_locked` says whether it still runs."""
    with suppress(OSError, ValueError, TypeError):
        return Live(**files.read_json(state / _LIVE))
    return None
