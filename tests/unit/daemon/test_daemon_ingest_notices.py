"""What becomes of ingest's notices: events, the journal, the engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vlogd import config
from vlogd.cli.init_add import init
from vlogd.core.events import (
    Bug,
    Event,
    FileFailed,
    FileLeft,
    InboxRecovered,
    InboxTrouble,
    ItemAccepted,
    ItemDuplicate,
)
from vlogd.core.model import File, Item
from vlogd.daemon import wiring
from vlogd.daemon.wiring import Parts
from vlogd.ingest.outcomes import (
    Accepted,
    Changed,
    Duplicate,
    Failed,
    InboxProblem,
    InboxProblemSolved,
    NotTaken,
    Resolved,
    UnexpectedError,
)

ITEM = Item("1" * 16, "Film", "film-1", "main", File("1/film.mp4"), "1" * 64, 5, 1e9)
PATH = Path("/inbox/film.mp4")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is emitted, by the only listener."""
    seen: list[Event] = []
    monkeypatch.setattr(wiring, "listeners", lambda _loaded: [seen.append])
    return seen


@pytest.fixture
def parts(tmp_path: Path, events: list[Event]) -> Iterator[Parts]:  # noqa: ARG001 - the listener must be there first
    """A daemon's parts, of which nothing runs."""
    assert init.callback is not None
    init.callback(tmp_path)
    connected = wiring.connect(config.load(tmp_path / "vlogd.yaml"))
    yield connected
    connected.executor.close()
    connected.state.close()


def left(parts: Parts) -> list[tuple[str, str]]:
    """What the journal says of files that were not taken."""
    return [(file.path, file.why) for file in parts.state.journal.left_files.all()]


def test_an_accepted_file_is_an_item_of_the_engine(parts: Parts, events: list[Event]) -> None:
    """Whatever was said of the file before is over."""
    parts.notices.take(NotTaken(PATH, "main", "It is still open."))
    parts.notices.take(Accepted(PATH, ITEM, None))  # type: ignore[arg-type]  # what ffprobe says is no concern here
    assert events[-1] == ItemAccepted(ITEM, PATH)
    assert left(parts) == []
    assert parts.controller.waiting == 1
    assert parts.state.journal.items.get(ITEM.id) == ITEM


def test_a_duplicate_has_its_item_looked_at(parts: Parts, events: list[Event]) -> None:
    """Dropping a file again is how people ask for it."""
    parts.state.journal.items.add(ITEM)
    parts.notices.take(Duplicate(PATH, ITEM))
    assert events == [ItemDuplicate(ITEM, PATH)]
    assert parts.controller.waiting == 1


def test_files_that_are_not_taken_are_remembered_until_that_is_over(
    parts: Parts, events: list[Event]
) -> None:
    """`vlogd status` lists them."""
    parts.notices.take(NotTaken(PATH, "main", "It is a pipe."))
    assert events == [FileLeft(PATH, "It is a pipe.")]
    assert left(parts) == [(str(PATH), "It is a pipe.")]
    parts.notices.take(Resolved(PATH))
    assert left(parts) == []


def test_a_file_that_is_not_a_video_counts(parts: Parts, events: list[Event]) -> None:
    """For the exit code of `run --once`."""
    parts.notices.take(Failed(PATH, "It is a letter.", Path("/inbox/_failed/film.mp4")))
    assert events == [FileFailed(PATH, "It is a letter.", Path("/inbox/_failed/film.mp4"))]
    assert parts.notices.failed == 1


def test_what_a_tool_printed_goes_to_the_log(parts: Parts, events: list[Event]) -> None:
    """The sentence for people has none of it."""
    moved_to = Path("/inbox/_failed/film.mp4")
    parts.notices.take(Failed(PATH, "It is damaged.", moved_to, "[mov @ 0x1] moov atom not found"))
    assert events == [FileFailed(PATH, "It is damaged.", moved_to, "[mov @ 0x1] moov atom not found")]


def test_a_problem_of_an_inbox_lasts_until_it_is_solved(parts: Parts, events: list[Event]) -> None:
    """Meanwhile the status has it."""
    parts.notices.take(InboxProblem("main: folder", "It does not exist."))
    assert parts.notices.troubles == {"main: folder": "It does not exist."}
    parts.notices.take(InboxProblemSolved("main: folder"))
    assert parts.notices.troubles == {}
    assert events == [InboxTrouble("main: folder", "It does not exist."), InboxRecovered("main: folder")]


def test_an_unforeseen_error_of_ingest_is_a_bug(parts: Parts, events: list[Event]) -> None:
    """Its traceback belongs into the log."""
    error = LookupError("no such luck")
    parts.notices.take(UnexpectedError(error))
    assert events == [Bug(error, "ingest")]


def test_a_file_that_changed_is_no_news(parts: Parts, events: list[Event]) -> None:
    """It will be stable again later."""
    parts.notices.take(Changed(PATH))
    assert events == []
