"""Who goes first."""

from vlogd.core.model import Part
from vlogd.engine.retry import Retry
from vlogd.engine.scheduler import Candidate, choose

SLOTS = {"cpu": 2, "speech": 1}


def want(
    item: str, at: float, name: str, order: int, *, alone: bool = False, resource: str = "cpu"
) -> Candidate:
    """A part that wants to run."""
    return Candidate(item, at, "hls", 1, Part(name, order=order, alone=alone, resource=resource))


def test_a_new_item_s_first_part_goes_before_an_old_one_s_hundredth() -> None:
    """Order counts before age; among equals the newest is first."""
    old = [want("old", 1, f"c{n}", n) for n in range(100, 103)]
    chosen = choose([*old, want("new", 2, "c0", 0), want("newer", 3, "c0", 0)], [], SLOTS)
    assert [one.item_id for one in chosen] == ["newer", "new"]


def test_slots_are_kept() -> None:
    """Never more parts of a resource than it has slots, running ones counted."""
    wanted = [want("a", 1, f"c{n}", n) for n in range(5)] + [want("a", 1, "w", 9, resource="speech")]
    assert [one.part.name for one in choose(wanted, [want("b", 1, "x", 0)], SLOTS)] == ["c0", "w"]


def test_what_somebody_waits_for_is_left_alone() -> None:
    """Beside a part that is alone only parts of order 0 of its own step start."""
    first = want("a", 1, "video", 0, alone=True)
    others = [
        want("a", 1, "audio", 0),
        want("a", 1, "c1", 1),
        want("b", 2, "c5", 5),
        want("b", 2, "w", 9, resource="speech"),
    ]
    assert [one.part.name for one in choose(others, [first], SLOTS)] == ["audio"]


def test_failures_are_counted_by_kind() -> None:
    """Bad input parks at once, a failing tool at the third time, what is unavailable never."""
    retry = Retry()
    assert retry.parks(["BadInput"])
    assert retry.parks(["Bug"])
    assert not retry.parks(["ToolFailed", "ToolFailed"])
    assert retry.parks(["ToolFailed"] * 3)
    assert not retry.parks(["Unavailable"] * 50)
    assert 2 <= retry.wait_seconds(["ToolFailed"]) <= 4
    assert 4 <= retry.wait_seconds(["ToolFailed"] * 2) <= 6
