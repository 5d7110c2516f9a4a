"""What the tracked items look like from outside: questions about them that change nothing."""

from collections.abc import Iterable

from vlogd.core.publication import Report
from vlogd.engine.state import OpenStep, Tracked


def reports(items: Iterable[Tracked]) -> list[Report]:
    """What is known of the items in work."""
    return [tracked.report for tracked in items if tracked.report is not None]


def shares(items: Iterable[Tracked]) -> dict[str, dict[str, float]]:
    """Running parts and their share done, as "item/stage" to part to 0..1."""
    return {
        f"{tracked.item.id}/{name}": dict(step.at_work)
        for tracked in items
        for name, step in tracked.steps.items()
        if step.at_work
    }


def waits(items: Iterable[Tracked]) -> dict[str, str]:
    """Why steps rest that nobody parked, as "item/stage" to sentence."""
    return {
        f"{tracked.item.id}/{name}": step.trouble
        for tracked in items
        for name, step in tracked.steps.items()
        if step.trouble and not step.parked
    }


def rests(items: Iterable[Tracked]) -> list[str]:
    """Why essential work rests, in sentences."""
    resting: list[str] = []
    for tracked in items:
        resting += [
            step.trouble
            for step in tracked.steps.values()
            if step.step.stage.essential and not step.parked and step.trouble
        ]
        resting += [tracked.unseen] if tracked.unseen else []
    return resting


def due(items: Iterable[Tracked], now: float) -> list[float]:
    """When (epoch seconds) steps and shows that are held back come due."""
    found: list[float] = []
    for tracked in items:
        found += [step.not_before for step in tracked.steps.values() if step.not_before > now]
        if tracked.dirty and not tracked.publishing:
            found.append(tracked.show_after)
    return found


def has_future(tracked: Tracked) -> bool:
    """Whether something will happen to the item without a change from outside."""
    if tracked.leaving is not None:
        return not tracked.publishing  # once its removal is asked for, that question counts
    resting = all(step.parked or step.trouble for step in tracked.steps.values())
    held = any(_will_retry_soon(step, tracked) for step in tracked.steps.values())
    moves = not tracked.unseen and (tracked.busy() or not resting)
    return held or (moves and not tracked.again)


def _will_retry_soon(step: OpenStep, tracked: Tracked) -> bool:
    """A failed tool is tried again within `--once`; what is unavailable is not waited for."""
    return not step.parked and step.kinds(tracked.failures)[-1:] != [] and step.not_before > 0
