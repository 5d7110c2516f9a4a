"""Read-only queries about the items in memory."""

from collections.abc import Iterable

from vlogd.core.publication import Report
from vlogd.engine.state import ItemState
from vlogd.engine.step_state import StepState


def reports(items: Iterable[ItemState]) -> list[Report]:
    """What is known of the items in work."""
    return [state.publish.report for state in items if state.publish.report is not None]


def shares(items: Iterable[ItemState]) -> dict[str, dict[str, float]]:
    """Running parts and their share done, as "item/stage" to part to 0..1."""
    return {
        f"{state.item.id}/{name}": dict(step.running)
        for state in items
        for name, step in state.steps.items()
        if step.running
    }


def wait_reasons(items: Iterable[ItemState]) -> dict[str, str]:
    """Why steps rest that are not parked, as "item/stage" to sentence."""
    return {
        f"{state.item.id}/{name}": step.trouble
        for state in items
        for name, step in state.steps.items()
        if step.trouble and not step.is_parked
    }


def blockers(items: Iterable[ItemState]) -> list[str]:
    """Why essential work is blocked, in sentences."""
    sentences: list[str] = []
    for state in items:
        sentences += [
            step.trouble
            for step in state.steps.values()
            if step.step.stage.essential and not step.is_parked and step.trouble
        ]
        sentences += [state.publish.problem] if state.publish.problem else []
    return sentences


def due(items: Iterable[ItemState], now: float) -> list[float]:
    """When (monotonic seconds) delayed steps and delayed publishing come due."""
    times: list[float] = []
    for state in items:
        times += [step.not_before for step in state.steps.values() if step.not_before > now]
        if state.publish.is_outdated and not state.publish.is_open:
            times.append(state.publish.not_before)
    return times


def will_continue(state: ItemState) -> bool:
    """Whether work on the item will continue without a change from outside."""
    if not state.is_staying:
        return (
            not state.publish.is_open and not state.is_being_removed
        )  # the end of that job triggers the next step
    resting = all(step.is_resting for step in state.steps.values())
    held = any(_will_retry_soon(step, state) for step in state.steps.values())
    moves = not state.publish.problem and (state.busy() or not resting)
    return held or (moves and not state.again)


def _will_retry_soon(step: StepState, state: ItemState) -> bool:
    """A failed tool is tried again within `--once`; what is unavailable, also after a failed attempt, is not waited for."""
    sentences = [attempt.sentence for attempt in state.failures if step.has_failed(attempt)]
    return (
        bool(sentences)
        and not step.is_parked
        and step.not_before > 0
        and step.trouble in (None, sentences[-1])
    )
