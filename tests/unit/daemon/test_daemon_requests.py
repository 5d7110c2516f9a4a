"""Requests: files that wait for a daemon, and what it makes of them."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vlogd.core.errors import Unavailable
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


def written(state: Path, text: str, name: str = "0.json") -> Path:
    """A file among the requests."""
    (state / "requests").mkdir(exist_ok=True)
    path = state / "requests" / name
    path.write_text(text)
    return path


def given(state: Path) -> tuple[list[str], list[str]]:
    """The items of the requests that count, and what is told about others."""
    events: list[Event] = []
    items = [request.item_id for request, _ in RequestFolder(state, events.append).unseen()]
    return items, [event.why for event in events if isinstance(event, MaintenanceFailed)]


def left(state: Path) -> Path:
    """A request that was left as it should be."""
    leave_request(state, "remove", ID)
    (path,) = (state / "requests").glob("*.json")
    return path


def without_code(path: Path) -> None:
    path.write_text(json.dumps({"remove": ID, "now": False, "at": 1.5}))  # as version 0.1.0 wrote it


def with_another_key(path: Path) -> None:
    (path.parents[1] / "request-key").write_bytes(bytes(32))


def of_another_item(path: Path) -> None:
    path.write_text(path.read_text().replace(ID, ID[::-1]))


def with_a_strange_code(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "code": "\ud800ä"}))


def under_another_name(path: Path) -> None:
    path.rename(path.with_name("1.json"))


def behind_a_link(path: Path) -> None:
    path.rename(path.parents[1] / "elsewhere")
    path.symlink_to("../elsewhere")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def of_another_user(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("giving a file to somebody needs root")
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "forge",
    [
        without_code,
        with_another_key,
        of_another_item,
        with_a_strange_code,
        under_another_name,
        behind_a_link,
        a_pipe,
        of_another_user,
    ],
)
def test_what_vlogd_did_not_make_is_told_and_deleted(tmp_path: Path, forge: Callable[[Path], None]) -> None:
    """It is never carried out, and holds up no request that counts."""
    path = left(tmp_path)
    assert is_to_be_removed(tmp_path, ID)
    forge(path)
    assert not is_to_be_removed(tmp_path, ID)
    items, (told,) = given(tmp_path)
    assert items == []
    assert "ask again" in told
    assert forge is not without_code or f"it says remove {ID}" in told
    assert list((tmp_path / "requests").iterdir()) == []
    leave_request(tmp_path, "retry", ID)
    assert given(tmp_path) == ([ID], [])


def test_a_link_in_place_of_the_folder_is_told_once_and_left(tmp_path: Path) -> None:
    """Neither read nor written; the daemon goes on, and requests count again when it is gone."""
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "state").mkdir()
    elsewhere.mkdir(mode=0o755)
    link = tmp_path / "state/requests"
    link.symlink_to(elsewhere)
    events: list[Event] = []
    folder = RequestFolder(tmp_path / "state", events.append)
    assert [*folder.unseen(), *folder.unseen()] == []
    assert len(events) == 1
    with pytest.raises(Unavailable, match="Remove it"):
        leave_request(tmp_path / "state", "retry", ID)
    assert not list(elsewhere.iterdir())
    assert elsewhere.stat().st_mode & 0o777 == 0o755
    link.unlink()
    leave_request(tmp_path / "state", "retry", ID)
    assert [request.item_id for request, _ in folder.unseen()] == [ID]


def test_only_root_and_the_owner_may_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others' files would not count: they are told at once."""
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(Unavailable, match="sudo"):
        leave_request(tmp_path, "retry", ID)
    assert not (tmp_path / "requests").exists()


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
    strange = written(tmp_path, text)
    leave_request(tmp_path, "retry", ID)
    assert [request.item_id for request, _ in folder.unseen()] == [ID]
    assert list(folder.unseen()) == []
    assert [type(event) for event in events] == [MaintenanceFailed]
    assert strange.exists()
    assert not is_to_be_removed(tmp_path, "a")
