"""An item inspected from outside the daemon: the same state that the controller acts on, read-only.

For `vlogd status`, `why` and `show`. What only the running daemon knows, its running parts and why they wait, is given.
"""

from collections.abc import Mapping, Sequence

from vlogd.core.model import Attempt
from vlogd.engine.executors.worker import work_of
from vlogd.engine.library_worker import Position
from vlogd.engine.retry import Retry
from vlogd.engine.state import ItemState
from vlogd.engine.survey import Step, Survey
from vlogd.storage.library import Library


def inspect(
    survey: Survey,
    library: Library,
    failures: Sequence[Attempt],
    retry: Retry,
    running: Mapping[str, Mapping[str, float]],
    waits: Mapping[str, str],
) -> ItemState:
    """The state of an item as the daemon would find it now.

    `failures` are those that count, oldest first. `running` maps stages to their running parts and the shares of them that are
    done, 0 to 1; `waits` maps stages to why they wait, in a sentence.
    """
    state = ItemState(survey.item, failures=list(failures))
    state.surveyed(survey)
    for step in state.open(survey.steps, retry):
        name = step.step.stage.name
        step.visit()
        step.visited(_position(step.step, library))
        sentences = [attempt.sentence for attempt in failures if step.has_failed(attempt)]
        step.watched(running.get(name, {}), waits.get(name) or (sentences[-1] if sentences else None))
    return state


def _position(step: Step, library: Library) -> Position:
    """Where a step stands on the disk, which is only read."""
    folder = library.step_folder(step.item, step.folder, private=step.stage.private)
    receipts = library.receipts(step.item, folder)
    work = work_of(step, library, receipts)
    return Position(tuple(step.stage.parts(work)), receipts, library.names(folder))
