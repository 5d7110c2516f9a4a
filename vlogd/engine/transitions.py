"""What may happen to an item in memory and to each of its steps, as two tables.

`STEPS` and `ITEMS` say for each phase and each event which phase follows and what is to be done then. `state.py` holds
the data that goes with the phases, `steps.py` and `controller.py` carry out the effects.
"""

from collections.abc import Mapping
from enum import Enum, auto


class StepPhase(Enum):
    """Where a step is."""

    UNREAD = auto()
    """The library's thread has to read its state; a finished step becomes an artifact then."""

    WORKING = auto()
    """Its parts run, or wait for slots."""

    PAUSED = auto()
    """An attempt failed; it continues after a pause. Running parts continue meanwhile."""

    PARKED = auto()
    """It failed permanently or too often; only a user can restart it."""

    MADE = auto()
    """It is an artifact."""


class StepEvent(Enum):
    """What happens to a step."""

    READ = auto()
    """The library's thread has read which parts are done."""

    COMMITTED = auto()
    """The library committed it as an artifact."""

    NEEDS_LIBRARY = auto()
    """All its parts are done, or two that ended together were planned without each other's receipts."""

    PLANNED = auto()
    """A part ended, and the list of parts changed."""

    PART_STOPPED = auto()
    """A part ended without a result, because it was stopped."""

    FAILED = auto()
    """A part, or the library, failed and is to be tried again after a pause."""

    GIVEN_UP = auto()
    """A part, or the library, failed and is not to be tried again; or the item was cancelled."""

    DUE = auto()
    """The pause after a failure is over."""

    RETRIED = auto()
    """A user requested another attempt."""


class StepEffect(Enum):
    """What is to be done about a step."""

    NOTHING = auto()
    OFFER = auto()
    """Make its missing parts available to the scheduler."""

    WITHHOLD = auto()
    """Start none of its parts."""

    VISIT = auto()
    """Start none of its parts, and have the library's thread read it."""

    ADOPT = auto()
    """Take its artifact, and survey the item again."""


P, E, F = StepPhase, StepEvent, StepEffect  # short names keep the tables readable

STEPS: Mapping[StepPhase, Mapping[StepEvent, tuple[StepPhase, StepEffect]]] = {
    P.UNREAD: {
        E.READ: (P.WORKING, F.OFFER),
        E.COMMITTED: (P.MADE, F.ADOPT),
        E.NEEDS_LIBRARY: (P.UNREAD, F.VISIT),
        E.PLANNED: (P.UNREAD, F.NOTHING),
        E.PART_STOPPED: (P.UNREAD, F.NOTHING),
        E.FAILED: (P.PAUSED, F.WITHHOLD),
        E.GIVEN_UP: (P.PARKED, F.WITHHOLD),
        E.DUE: (P.UNREAD, F.NOTHING),
        E.RETRIED: (P.UNREAD, F.VISIT),
    },
    P.WORKING: {
        E.READ: (P.WORKING, F.OFFER),
        E.COMMITTED: (P.MADE, F.ADOPT),
        E.NEEDS_LIBRARY: (P.UNREAD, F.VISIT),
        E.PLANNED: (P.WORKING, F.OFFER),
        E.PART_STOPPED: (P.WORKING, F.OFFER),
        E.FAILED: (P.PAUSED, F.WITHHOLD),
        E.GIVEN_UP: (P.PARKED, F.WITHHOLD),
        E.DUE: (P.WORKING, F.NOTHING),
        E.RETRIED: (P.UNREAD, F.VISIT),
    },
    P.PAUSED: {
        E.READ: (P.PAUSED, F.NOTHING),
        E.COMMITTED: (P.MADE, F.ADOPT),
        E.NEEDS_LIBRARY: (P.PAUSED, F.NOTHING),
        E.PLANNED: (P.PAUSED, F.NOTHING),
        E.PART_STOPPED: (P.PAUSED, F.NOTHING),
        E.FAILED: (P.PAUSED, F.WITHHOLD),
        E.GIVEN_UP: (P.PARKED, F.WITHHOLD),
        E.DUE: (P.UNREAD, F.VISIT),
        E.RETRIED: (P.UNREAD, F.VISIT),
    },
    P.PARKED: {
        E.READ: (P.PARKED, F.NOTHING),
        E.COMMITTED: (P.MADE, F.ADOPT),
        E.NEEDS_LIBRARY: (P.PARKED, F.NOTHING),
        E.PLANNED: (P.PARKED, F.NOTHING),
        E.PART_STOPPED: (P.PARKED, F.NOTHING),
        E.FAILED: (P.PARKED, F.NOTHING),
        E.GIVEN_UP: (P.PARKED, F.NOTHING),
        E.DUE: (P.PARKED, F.NOTHING),
        E.RETRIED: (P.UNREAD, F.VISIT),
    },
    P.MADE: dict.fromkeys(StepEvent, (P.MADE, F.NOTHING)),
}
"""Phase and event to the phase that follows and what is to be done."""


class ItemPhase(Enum):
    """Where an item in memory is."""

    ACTIVE = auto()
    """Its steps may run."""

    CANCELLED = auto()
    """Nothing more is done for it until a user retries it."""

    REMOVING = auto()
    """It moves to the trash as soon as none of its parts is running."""

    GONE = auto()
    """It left the memory: messages about it are ignored."""


class ItemEvent(Enum):
    """What happens to an item."""

    SURVEYED = auto()
    """Its needs are known, for the first time or again after an artifact."""

    CANCELLED = auto()
    RETRIED = auto()
    REMOVED = auto()
    """A user requested its removal, perhaps not for the first time."""

    LET_GO = auto()
    """It is released from memory: finished, in the trash, or to make room."""


class ItemEffect(Enum):
    """What is to be done about an item."""

    NOTHING = auto()
    OPEN = auto()
    """Begin the steps that it needs."""

    PARK = auto()
    """Stop its running parts, and park its open steps."""

    REOPEN = auto()
    """Read each open step from the library again."""

    STOP = auto()
    """Stop its running parts, and start nothing more."""


ITEMS: Mapping[ItemPhase, Mapping[ItemEvent, tuple[ItemPhase, ItemEffect]]] = {
    ItemPhase.ACTIVE: {
        ItemEvent.SURVEYED: (ItemPhase.ACTIVE, ItemEffect.OPEN),
        ItemEvent.CANCELLED: (ItemPhase.CANCELLED, ItemEffect.PARK),
        ItemEvent.RETRIED: (ItemPhase.ACTIVE, ItemEffect.REOPEN),
        ItemEvent.REMOVED: (ItemPhase.REMOVING, ItemEffect.STOP),
        ItemEvent.LET_GO: (ItemPhase.GONE, ItemEffect.NOTHING),
    },
    ItemPhase.CANCELLED: {
        ItemEvent.SURVEYED: (ItemPhase.CANCELLED, ItemEffect.PARK),
        ItemEvent.CANCELLED: (ItemPhase.CANCELLED, ItemEffect.PARK),
        ItemEvent.RETRIED: (ItemPhase.ACTIVE, ItemEffect.REOPEN),
        ItemEvent.REMOVED: (ItemPhase.REMOVING, ItemEffect.STOP),
        ItemEvent.LET_GO: (ItemPhase.GONE, ItemEffect.NOTHING),
    },
    ItemPhase.REMOVING: {
        ItemEvent.SURVEYED: (ItemPhase.REMOVING, ItemEffect.NOTHING),
        ItemEvent.CANCELLED: (ItemPhase.REMOVING, ItemEffect.NOTHING),
        ItemEvent.RETRIED: (ItemPhase.REMOVING, ItemEffect.NOTHING),
        ItemEvent.REMOVED: (ItemPhase.REMOVING, ItemEffect.STOP),
        ItemEvent.LET_GO: (ItemPhase.GONE, ItemEffect.NOTHING),
    },
    ItemPhase.GONE: dict.fromkeys(ItemEvent, (ItemPhase.GONE, ItemEffect.NOTHING)),
}
"""Phase and event to the phase that follows and what is to be done."""
