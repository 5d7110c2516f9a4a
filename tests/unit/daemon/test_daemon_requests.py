"""Requests: files that wait for a daemon, and what it makes of them."""

import json
from pathlib import Path

import pytest

from vlogd.core.events import Event, MaintenanceFailed
from vlogd.daemon.requests import RequestFolder, is_to_be_removed, leave_request

ID = "0123456789abcdef"


def test_a_request_is_given_once_and_stays_until_it_is_done(tmp_path: Path) -> None:
    """A daemon that starts anew gets it again."""
    leave_request(tmp_path, "remove", ID, now=True)
    folder = RequestFolder(tmp_path, lambda _event: None)
    ((request, done),) = folder.unseen()
    assert (request.verb, request.item_id, request.now) == ("remove", ID, True)
    assert list(folder.unseen()) == []
    assert is_to_be_removed(tmp_path, ID)
    assert len(list(RequestFolder(tmp_path, lambda _event: None).unseen())) == 1
    done()
    assert not is_to_be_removed(tmp_path, ID)
    assert list(RequestFolder(tmp_path, lambda _event: None).unseen()) == []


def test_requests_come_in_the_order_in_which_they_were_left(tmp_path: Path) -> None:
    """Oldest first."""
    for verb in ("retry", "cancel", "restore"):
        leave_request(tmp_path, verb, ID)  # type: ignore[arg-type]
    verbs = [request.verb for request, _ in RequestFolder(tmp_path, lambda _event: None).unseen()]
    assert verbs == ["retry", "cancel", "restore"]


def test_a_request_of_version_0_1_0_is_understood(tmp_path: Path) -> None:
    """It has no format number."""
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests/1.json").write_text(json.dumps({"remove": ID, "now": False, "at": 1.5}))
    ((request, _),) = RequestFolder(tmp_path, lambda _event: None).unseen()
    assert (request.verb, request.item_id, request.at, request.now) == ("remove", ID, 1.5, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"retry": 5, "at": 1}',
        '{"retry": "a", "cancel": "a", "at": 1}',
        '{"format": 99, "retry": "a"}',
    ],
)
def test_a_request_that_cannot_be_understood_is_reported_once_and_stays(tmp_path: Path, text: str) -> None:
    """A newer vlogd may understand it; the others are carried out."""
    events: list[Event] = []
    folder = RequestFolder(tmp_path, events.append)
    strange = tmp_path / "requests/0.json"
    strange.write_text(text)
    leave_request(tmp_path, "retry", ID)
    assert [request.item_id for request, _ in folder.unseen()] == [ID]
    assert list(folder.unseen()) == []
    assert [type(event) for event in events] == [MaintenanceFailed]
    assert strange.exists()
    assert not is_to_be_removed(tmp_path, "a")
