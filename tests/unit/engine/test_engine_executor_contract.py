"""The contract of executors, and a complete one to copy: nothing but text goes to where its parts run, or comes back."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from engine import Engine, InlineExecutor, published
from toy_stages import ToySettings, pipeline, toy

from vlogd.core import typed_json
from vlogd.core.errors import BadInput, ToolFailed, Unavailable
from vlogd.core.events import Bug, PartDone, PartFailed, StepParked
from vlogd.core.model import File, Item, Part, Receipt
from vlogd.core.settings import NoSettings
from vlogd.engine.executors.contract import (
    FileDelivered,
    Message,
    PartFailure,
    PartProgress,
    PartRequest,
    PartResult,
    Send,
    StepFolder,
    message_from_json,
    message_to_json,
)
from vlogd.engine.executors.local import LocalExecutor
from vlogd.engine.executors.worker import Environment, PartWorker
from vlogd.media.process import Limits
from vlogd.stages.contract import Stage, Work, check
from vlogd.stages.facts import NoFacts
from vlogd.stages.pipeline import STAGES
from vlogd.stages.workspace import Workspace
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

SETTINGS = {name: ToySettings() for name in ("first", "left", "right", "last")}
ITEM = Item("0" * 16, "A film", "a-film", "main", File(f"{'0' * 16}/film.txt"), "digest", 4, 1e9)


class FarExecutor:
    """Another machine but for the network: requests go there as text, and messages come back as text."""

    def __init__(self, worker: PartWorker, run_later: Callable[[Callable[[], None]], None]) -> None:
        self._worker = worker
        self._run_later = run_later
        self._cancelled: dict[str, threading.Event] = {}

    def start(self, request: PartRequest, send: Send) -> None:
        """Send a request there."""
        self._cancelled[request.id] = threading.Event()
        text = json.dumps(request.to_json())
        self._run_later(lambda: self._run(text, lambda answer: send(message_from_json(json.loads(answer)))))

    def cancel(self, request_id: str) -> None:
        """Have a part end."""
        self._cancelled[request_id].set()

    def close(self) -> None:
        """Nothing runs by itself here."""

    def _run(self, text: str, answer: Callable[[str], None]) -> None:
        """What happens there."""

        def send(message: Message) -> None:
            answer(json.dumps(message_to_json(message)))

        request = PartRequest.from_json(json.loads(text))
        send(self._worker.perform(request, send, self._cancelled[request.id]))


def test_a_library_made_far_away_is_the_same(tmp_path: Path) -> None:
    """All parts go through text; the library has the bytes of a usual run."""
    far = Engine(
        tmp_path / "far",
        pipeline(),
        SETTINGS,
        other_executor=lambda inline: FarExecutor(inline.worker, inline.jobs.append),
    )
    near = Engine(tmp_path / "near", pipeline(), SETTINGS)
    for engine in (far, near):
        engine.drop("0001", "a")
        engine.run()
        engine.close()
    assert published(far.root) == published(near.root)
    assert len([event for event in far.events if isinstance(event, PartDone)]) == 12


def test_requests_and_messages_are_plain_data() -> None:
    """Each comes back from its text as it was."""
    receipt = Receipt("video-0000", {}, {"length": 3})
    part = Part("join", 2, 0.5, "speech", alone=True, library_bytes=9, data={"start": 1.5})
    request = PartRequest(
        "7",
        ITEM,
        "toy",
        part,
        {"word": "a"},
        StepFolder("toy-0123"),
        {"probe": StepFolder("probe-4567", private=True)},
        {"video-0000": receipt},
    )
    assert PartRequest.from_json(json.loads(json.dumps(request.to_json()))) == request
    messages: list[Message] = [
        PartProgress("7", 0.5),
        FileDelivered("7", "words/1.txt"),
        PartResult("7", 1.5, receipt, None, (part,), ("video-0000",)),
        PartResult("7", 1.5, failure=PartFailure("ToolFailed", "It failed.", "last line")),
    ]
    for message in messages:
        assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_the_settings_of_every_stage_are_plain_data(stage: Stage[Any]) -> None:
    """They come back from their text as they were."""
    settings = stage.settings()
    assert (
        typed_json.parse(stage.settings, json.loads(json.dumps(typed_json.serialise(settings)))) == settings
    )


# What went wrong, as plain data


def failing(error: Exception) -> Stage[Any]:
    """A stage of which every part fails so."""

    def run(_part: Part, _ws: Workspace[Any]) -> NoFacts:
        raise error

    return replace(toy("first"), run=run)


def failure(tmp_path: Path, error: Exception) -> PartFailure:
    """What comes back from a part that raises `error`."""
    worker = PartWorker(environment(tmp_path), [failing(error)])
    result = worker.perform(request_for(Part("part-0")), lambda _message: None, threading.Event())
    assert result.receipt is None
    assert result.failure is not None
    return result.failure


def environment(home: Path) -> Environment:
    """A place where parts run, with the original of ITEM."""
    (home / "originals" / ITEM.id).mkdir(parents=True, exist_ok=True)
    (home / "originals" / ITEM.original).write_text("film")
    return Environment(
        Library(home / "library"),
        Originals(home / "originals"),
        home / "scratch",
        Limits(),
        threading.Event(),
        Volumes(home, {}, 0),
    )


def request_for(
    part: Part, request_id: str = "1", receipts: Mapping[str, Receipt] | None = None
) -> PartRequest:
    """A request for a part of the toy stage `first`."""
    settings = typed_json.serialise(ToySettings())
    return PartRequest(
        request_id, ITEM, "first", part, settings, StepFolder("first-000000000000"), {}, receipts or {}
    )


def test_an_error_comes_back_by_its_kind(tmp_path: Path) -> None:
    """With its sentence, and a tool's last words."""
    assert failure(tmp_path, BadInput("It is no film.")) == PartFailure("BadInput", "It is no film.")
    tool = failure(tmp_path, ToolFailed("ffmpeg failed.", ["line 1", "line 2"]))
    assert (tool.kind, tool.stderr) == ("ToolFailed", "line 1\nline 2")
    assert failure(tmp_path, OSError(28, "No space left on device")).kind == Unavailable.__name__


def test_a_bug_comes_back_with_its_traceback(tmp_path: Path) -> None:
    """Its sentence is for people, its traceback for the log."""
    bug = failure(tmp_path, KeyError("x"))
    assert bug.kind == "Bug"
    assert "please report it" in bug.sentence
    assert "KeyError: 'x'" in bug.traceback


def test_a_stage_that_is_not_known_there_is_a_bug(tmp_path: Path) -> None:
    """Another version of vlogd runs there: the item is parked, nothing hangs."""
    worker = PartWorker(environment(tmp_path), [])
    result = worker.perform(request_for(Part("part-0")), lambda _message: None, threading.Event())
    assert result.failure is not None
    assert result.failure.kind == "Bug"


def test_the_engine_parks_a_bug_and_logs_its_traceback(tmp_path: Path) -> None:
    """The event has the traceback of where the part ran."""
    engine = Engine(tmp_path, [failing(KeyError("x"))], SETTINGS)
    engine.drop("0001", "a")
    engine.run()
    bugs = [event for event in engine.events if isinstance(event, Bug)]
    assert len(bugs) == 2, "one for each slot: no part was started after the first"
    assert all("KeyError: 'x'" in str(bug.error) for bug in bugs)
    assert {event.kind for event in engine.events if isinstance(event, StepParked)} == {"Bug"}
    engine.close()


def test_a_cancelled_part_stops_and_is_no_failure(tmp_path: Path) -> None:
    """It ends as Stopping, and leaves no receipt."""
    worker = PartWorker(environment(tmp_path), pipeline())
    cancelled = threading.Event()
    cancelled.set()
    result = worker.perform(request_for(Part("part-0")), lambda _message: None, cancelled)
    assert result.failure is not None
    assert result.failure.kind == "Stopping"
    assert not list((tmp_path / "library").rglob("*.json"))


# The executor of this machine


def test_the_local_executor_cancels_one_part_of_two(tmp_path: Path) -> None:
    """The other one ends with its receipt, and each with one result."""
    begun = threading.Semaphore(0)
    go_on = threading.Event()

    def run(part: Part, ws: Workspace[ToySettings]) -> NoFacts:
        begun.release()
        go_on.wait(60)
        ws.deliver_bytes(b"x", f"{part.name}.txt")
        return NoFacts()

    worker = PartWorker(environment(tmp_path), [replace(toy("first"), run=run)])
    executor = LocalExecutor({"cpu": 2}, worker)
    messages: list[Message] = []
    executor.start(request_for(Part("part-0"), "1"), messages.append)
    executor.start(request_for(Part("part-1"), "2"), messages.append)
    begun.acquire()
    begun.acquire()
    executor.cancel("1")
    go_on.set()
    executor.close()
    executor.cancel("1")  # harmless
    results = {message.request_id: message for message in messages if isinstance(message, PartResult)}
    assert results["1"].failure is not None
    assert results["1"].failure.kind == "Stopping"
    assert results["2"].receipt is not None
    assert [message for message in messages if isinstance(message, FileDelivered)] == [
        FileDelivered("2", "part-1.txt")
    ]


# Two parts that end at the same time, and one that follows from both


@dataclass(frozen=True)
class Joined:
    """What the part `join` wrote."""

    length: int


def join_parts(work: Work[NoSettings]) -> Sequence[Part]:
    """`join` is known once both halves are done."""
    halves = (Part("half-0"), Part("half-1"))
    both = all(half.name in work.receipts for half in halves)
    return (*halves, Part("join", order=1)) if both else halves


def join_run(part: Part, ws: Workspace[NoSettings]) -> Joined | NoFacts:
    """A half writes its name, `join` both names."""
    if part.name != "join":
        ws.deliver_bytes(part.name.encode(), f"{part.name}.txt")
        return NoFacts()
    text = b"".join((ws.folder / f"half-{n}.txt").read_bytes() for n in range(2))
    ws.deliver_bytes(text, "join.txt")
    return Joined(len(text))


JOIN = Stage("join", 1, join_parts, join_run)


class TogetherExecutor:
    """Runs two halves and sends what came of them only when both have ended, in the order that it is told.

    With `strangers`, each part is run by a worker of its own, as on two machines that do not know each other.
    """

    def __init__(self, inline: InlineExecutor, *, strangers: bool, reverse: bool) -> None:
        self._inline = inline
        self._strangers = strangers
        self._reverse = reverse
        self._requests: list[tuple[PartRequest, Send]] = []

    def start(self, request: PartRequest, send: Send) -> None:
        """Wait for the other half."""
        if request.part.name == "join":
            self._inline.start(request, send)
            return
        self._requests.append((request, send))
        if len(self._requests) == 2:
            self._inline.jobs.append(self._run_both)

    def cancel(self, request_id: str) -> None:
        """Nothing is cancelled here."""

    def close(self) -> None:
        """Nothing runs by itself here."""

    def _run_both(self) -> None:
        never = threading.Event()
        worker = self._inline.worker
        if self._strangers:
            workers = [PartWorker(worker._environment, [JOIN]) for _ in self._requests]
        else:
            workers = [worker, worker]
            for request, _ in self._requests:
                worker._overlaps.begin(request)  # both run before either ends
        results = [
            (send, one.perform(request, lambda _message: None, never))
            for one, (request, send) in zip(workers, self._requests, strict=True)
        ]
        for send, result in results[:: -1 if self._reverse else 1]:
            send(result)


@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_two_parts_that_end_together_lose_no_part_that_follows(
    tmp_path: Path, *, strangers: bool, reverse: bool
) -> None:
    """In any order, and whether or not where they ran the one knew of the other."""
    engine = Engine(
        tmp_path,
        check(JOIN),
        {"join": NoSettings()},
        other_executor=lambda inline: TogetherExecutor(inline, strangers=strangers, reverse=reverse),
    )
    engine.drop("0001", "a")
    engine.run()
    (joined,) = engine.root.rglob("join.txt")
    assert joined.read_text() == "half-0half-1"
    done = [event.part for event in engine.events if isinstance(event, PartDone)]
    assert sorted(done) == ["half-0", "half-1", "join"]
    assert not [event for event in engine.events if isinstance(event, PartFailed)]
    assert not list(engine.controller.items)
    engine.close()


def test_parts_of_one_worker_know_of_each_other(tmp_path: Path) -> None:
    """The last of two that overlap plans from both receipts: nobody has to look at the library."""
    worker = PartWorker(environment(tmp_path), [JOIN])
    requests = [replace(request_for(Part(f"half-{n}"), str(n)), stage="join", settings={}) for n in range(2)]
    for request in requests:
        worker._overlaps.begin(request)
    results = [worker.perform(request, lambda _message: None, threading.Event()) for request in requests]
    assert [result.planned_from for result in results] == [("half-0",), ("half-0", "half-1")]
    assert [part.name for part in results[1].parts] == ["half-0", "half-1", "join"]
    for request in requests:
        worker._overlaps.end(request)
    assert not worker._overlaps._steps
