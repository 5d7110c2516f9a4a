"""Events and listeners: the whole contract, with a tiny made-up listener. Copy it to begin one of your own."""

import io
from pathlib import Path

import structlog

from vlogd.core import log
from vlogd.core.event_hub import Events
from vlogd.core.events import Event, FileLeft, ItemReady
from vlogd.core.model import File, Item

HOLIDAY = Item(
    "1" * 16, "Holiday", "holiday-1111111111", "main", File(f"{'1' * 16}/holiday.mp4"), "1" * 64, 5, 1e9
)


class ReadyFile:
    """The made-up listener: appends the slug of each video that becomes ready to a file, and ignores all else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, event: Event) -> None:
        """Every event comes by; look at those you care about."""
        match event:
            case ItemReady(item):
                with self._path.open("a") as file:
                    file.write(f"{item.slug}\n")


def test_a_listener_gets_every_event_and_takes_what_it_cares_about(tmp_path: Path) -> None:
    """It is a callable; `Events` is given it, whoever emits is not."""
    ready = tmp_path / "ready.txt"
    events = Events(ReadyFile(ready))
    events.emit(FileLeft(Path("inbox/link.mp4"), "It is a symbolic link."))
    events.emit(ItemReady(HOLIDAY))
    assert ready.read_text() == "holiday-1111111111\n"


def test_a_listener_that_raises_stops_neither_the_others_nor_who_emits(tmp_path: Path) -> None:
    """What it raised is logged, with its name and the event that it missed."""
    stream = io.StringIO()
    log.configure(stream)
    seen: list[Event] = []
    broken = ReadyFile(tmp_path / "no such folder" / "ready.txt")
    events = Events(broken, seen.append)
    events.emit(ItemReady(HOLIDAY))
    assert seen == [ItemReady(HOLIDAY)]
    structlog.reset_defaults()
    logged = stream.getvalue()
    assert "listener.failed" in logged
    assert "listener=ReadyFile" in logged
    assert "missed=ItemReady" in logged
    assert "FileNotFoundError" in logged
