"""An item looked at from outside is as the daemon has it."""

from pathlib import Path

from engine import Engine
from toy_stages import ToySettings, pipeline

from vlogd.core.model import Attempt
from vlogd.engine.inspection import inspect
from vlogd.engine.retry import Retry
from vlogd.engine.state import ItemState
from vlogd.engine.survey import survey
from vlogd.storage.library import Library

SETTINGS = {name: ToySettings() for name in ("first", "left", "right", "last")}


def looked_at(engine: Engine, failures: list[Attempt], **more: dict[str, object]) -> ItemState:
    """The engine's only item, from its library alone."""
    (item,) = [state.item for state in engine.controller.items]
    library = Library(engine.root)
    result = survey(item, pipeline(), SETTINGS, library.artifacts(item))
    running = more.get("running", {})
    waits = more.get("waits", {})
    return inspect(result, library, failures, Retry(), running, waits)  # type: ignore[arg-type]


def test_at_every_moment_it_agrees_with_the_daemon(tmp_path: Path) -> None:
    """Open steps, their parts, receipts and files are those of the state that the controller acts on."""
    engine = Engine(tmp_path, pipeline(), SETTINGS)
    engine.drop("0001", "a")
    compared = 0
    while engine.run(1):
        while engine._calls:
            engine._calls.popleft()()
        states = list(engine.controller.items)
        if not states or states[0].survey is None or states[0].is_visited():
            continue
        outside = looked_at(engine, []).steps
        assert set(outside) == set(states[0].steps)
        for name, step in states[0].steps.items():
            assert outside[name].parts == step.parts
            assert outside[name].receipts == step.receipts
            compared += 1
    engine.close()
    assert compared >= 8, "not only the first moment"


def test_what_the_daemon_and_the_journal_know_is_added(tmp_path: Path) -> None:
    """Running parts with their shares, why a step waits, and failures that count."""
    engine = Engine(tmp_path, pipeline(), SETTINGS)
    engine.drop("0001", "a")
    engine.run(1)
    step = looked_at(engine, [], running={"first": {"part-0": 0.5}}, waits={"first": "No room."}).steps[
        "first"
    ]
    assert (step.running, step.trouble, step.is_parked) == ({"part-0": 0.5}, "No room.", False)
    fingerprint = step.step.fingerprint
    failed = Attempt("0001", "first", fingerprint, "part-0", "ToolFailed", "ffmpeg failed.", "", 0.0)
    step = looked_at(engine, [failed]).steps["first"]
    assert (step.trouble, step.is_parked) == ("ffmpeg failed.", False)
    step = looked_at(engine, [failed] * 3).steps["first"]
    assert (step.trouble, step.is_parked) == ("ffmpeg failed.", True)
    engine.close()


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """A finished step is not committed by a look."""
    engine = Engine(tmp_path, pipeline(), SETTINGS)
    engine.drop("0001", "a")
    engine.run(6)
    before = {path: path.stat().st_mtime_ns for path in engine.root.rglob("*")}
    looked_at(engine, [])
    assert {path: path.stat().st_mtime_ns for path in engine.root.rglob("*")} == before
    engine.close()
