"""What the items in memory look like from outside: questions about them that change nothing."""

from collections.abc import Iterable

from vlogd.core.publication import Report
from vlogd.engine.state import ItemState, StepState


def reports(items: Iterable[ItemState]) -> list[Report]:
    """What is known of the items in work."""
    return [state.report for state in items if state.report is not None]


def shares(items: Iterable[ItemState]) -> dict[str, dict[str, float]]:
    """Running parts and their share done, as "item/stage" to part to 0..1."""
    return {
        f"{state.item.id}/{name}": dict(step.at_work)
        for state in items
        for name, step in state.steps.items()
        if step.at_work
    }


def wait_reasons(items: Iterable[ItemState]) -> dict[str, str]:
    """Why steps rest that nobody parked, as "item/stage" to sentence."""
    return {
        f"{state.item.id}/{name}": step.trouble
        for state in items
        for name, step in state.steps.items()
        if step.trouble and not step.parked
    }


def blockers(items: Iterable[ItemState]) -> list[str]:
    """Why essential work rests, in sentences."""
    resting: list[str] = []
    for state in items:
        resting += [
            step.trouble
            for step in state.steps.values()
            if step.step.stage.essential and not step.parked and step.trouble
        ]
        resting += [state.unseen] if state.unseen else []
    return resting


def due(items: Iterable[ItemState], now: float) -> list[float]:
    """When (epoch seconds) steps and shows that are held back come due."""
    found: list[float] = []
    for state in items:
        found += [step.not_before for step in state.steps.values() if step.not_before > now]
        if state.dirty and not state.publishing:
            found.append(state.show_after)
    return found


def has_future(state: ItemState) -> bool:
    """Whether something will happen to the item without a change from outside."""
    if state.removal is not None:
        return not state.publishing  # once its removal is asked for, that question counts
    resting = all(step.parked or step.trouble for step in state.steps.values())
    held = any(_will_retry_soon(step, state) for step in state.steps.values())
    moves = not state.unseen and (state.busy() or not resting)
    return held or (moves and not state.again)


def _will_retry_soon(step: StepState, state: ItemState) -> bool:
    """A failed tool is tried again within `--once`; what is unavailable is not waited for."""
    return not step.parked and step.kinds(state.failures)[-1:] != [] and step.not_before > 0
