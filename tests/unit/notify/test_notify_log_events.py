"""The log's lines: one for each event, with its fields."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from vlogd.core import events, log
from vlogd.core.events import Event
from vlogd.core.model import File, Item
from vlogd.notify.log_events import LINES, log_event

HOLIDAY = Item(
    "1" * 16, "Holiday", "holiday-1111111111", "main", File(f"{'1' * 16}/holiday.mp4"), "1" * 64, 5, 1e9
)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the log writes, as lines for people."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    stream = io.StringIO()
    log.configure(stream)
    yield stream
    structlog.reset_defaults()


def all_events(parent: type[Event] = Event) -> set[type[Event]]:
    """All kinds of events, but for their common parents."""
    kinds = {kind for child in parent.__subclasses__() for kind in {child, *all_events(child)}}
    return kinds - {events.ItemEvent}


def test_every_event_has_a_line_of_its_own() -> None:
    """But the heartbeat, which comes several times a minute."""
    assert set(LINES) == all_events() - {events.Heartbeat}
    assert len({line.name for line in LINES.values()}) == len(LINES)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            events.ItemAccepted(HOLIDAY, Path("/in/a b.mp4")),
            'info    item.accepted item=holiday-1111111111 file="/in/a b.mp4"',
        ),
        (
            events.PartDone(HOLIDAY, "hls", "video-0001", 1.2345),
            "info    part.done item=holiday-1111111111 stage=hls part=video-0001 seconds=1.2",
        ),
        (
            events.FileLeft(Path("/in/x"), "It is a pipe."),
            'warning file.left file=/in/x why="It is a pipe."',
        ),
        (events.LibraryUnavailable("It is away."), 'warning library.waits why="It is away."'),
        (
            events.ItemNotRestored("abc", "There is none."),
            'warning item.not_restored item=abc why="There is none."',
        ),
        (
            events.DaemonStarted(Path("/lib"), ("probe", "hls")),
            'info    vlogd.started library=/lib stages="probe hls"',
        ),
    ],
)
def test_a_line_has_the_event_s_fields(logged: io.StringIO, event: Event, line: str) -> None:
    """The item by its slug, spans with one decimal; what is not set is left out."""
    log_event(event)
    assert logged.getvalue().rstrip("\n").partition(" ")[2] == line


def test_a_bug_is_logged_with_its_traceback(logged: io.StringIO) -> None:
    """The only event with more than one line."""
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    log_event(events.Bug(caught.value, "ingest"))
    first, *rest = logged.getvalue().splitlines()
    assert first.endswith("error   bug where=ingest")
    assert rest[0].startswith("    Traceback")
    assert rest[-1] == "    ZeroDivisionError: integer division or modulo by zero"


def test_a_name_cannot_break_a_line(logged: io.StringIO) -> None:
    """Names of dropped files are anybody's."""
    log_event(events.FileLeft(Path("a\nb\x1b[31m"), "It is a pipe."))
    assert logged.getvalue().count("\n") == 1
    assert "\x1b" not in logged.getvalue()


def test_a_heartbeat_leaves_no_line(logged: io.StringIO) -> None:
    """It says that nothing happened."""
    log_event(events.Heartbeat(events.DaemonStatus(pid=1)))
    assert logged.getvalue() == ""
