"""The contract of an executor: a place where parts run. Read this first if you want to write one.

The dispatcher hands an executor one `PartRequest` at a time, never more for a resource than it has slots. What happens
to it comes back as messages, through the `send` that came with the request:

    PartProgress    how much of the part is done; as often as you like, or never
    FileDelivered   a file of the part is complete in the step's folder in the library
    PartResult      the last message, exactly one for each request: a receipt, or what went wrong

Requests and messages are plain data: a stage is named, settings and facts are JSON, folders are named as the library
knows them. `to_json` and `from_json` turn each into a JSON object and back, so an executor may run its parts in another
process or on another machine. Whatever runs them there needs the fields of `worker.Environment` (the library and the
originals under any path, a scratch folder on a local disk) and the same version of vlogd.
`worker.PartWorker.perform` does the rest. `send` may be called from any thread.

What an executor may rely on:

- A part is deterministic. A request that was lost, or was run twice, does no harm: the same files are produced again.
- A receipt in the library is the truth. A result that never arrives costs one part, at the next start of vlogd.
- Cancelling is best effort. A request that ended before it was cancelled ends with its receipt.

What vlogd relies on:

- One result for each request, also for one that was cancelled: `PartFailure(kind="Stopping")`.
- A part's deliveries are sent before its result.
- After `close` only the messages of parts that end by then are sent; parts that were not started are dropped.

`PartResult.parts` are the parts of the step as they follow from the receipts named in `planned_from`. They are computed
where the part ran, which has the step's files at hand. Two parts that end at the same time may not know of each other;
the controller notices (`planned_from` lacks a receipt that it has) and has the library's thread read the step. An executor
that shares their receipts saves that: `PartWorker` does so for all parts that one worker runs.

`local.py` is the executor on the threads of this machine. tests/unit/engine/test_engine_executor_contract.py has another
one, small enough to copy, that passes everything through JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from vlogd.core import typed_json
from vlogd.core.model import Item, Json, Part, Receipt


@dataclass(frozen=True)
class StepFolder:
    """A step's folder of an item in the library: in the public tree, or with the private ones."""

    name: str
    private: bool = False


@dataclass(frozen=True)
class PartRequest:
    """One part to be run.

    `id` is unique for the life of the daemon. `folder` is the step's, `inputs` are those of the artifacts that it is made
    from, by stage. `settings` are the stage's, `receipts` those of the step's finished parts, as far as they were known when
    the request was made.
    """

    id: str
    item: Item
    stage: str
    part: Part
    settings: Json
    folder: StepFolder
    inputs: Mapping[str, StepFolder]
    receipts: Mapping[str, Receipt]

    def to_json(self) -> Json:
        """As a JSON object."""
        return typed_json.serialise(self)

    @staticmethod
    def from_json(value: Json) -> "PartRequest":
        """What `to_json` returned. Raises `typed_json.Mismatch`."""
        return typed_json.parse(PartRequest, value)


@dataclass(frozen=True)
class PartProgress:
    """`share` of the part is done, 0 to 1."""

    request_id: str
    share: float


@dataclass(frozen=True)
class FileDelivered:
    """The file `name` is complete in the step's folder."""

    request_id: str
    name: str


@dataclass(frozen=True)
class PartFailure:
    """Why there is no receipt.

    `kind` is the name of a class in `core.errors`, which says what happens next, or "Bug". `sentence` is for the person who
    dropped the file, `stderr` the last lines of a tool, `traceback` only of a bug.
    """

    kind: str
    sentence: str
    stderr: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class PartResult:
    """How a request ended: with a receipt or a failure. `seconds` is its wall time.

    With a receipt, `parts` are all parts of the step as they follow from the receipts that `planned_from` names.
    """

    request_id: str
    seconds: float
    receipt: Receipt | None = None
    failure: PartFailure | None = None
    parts: tuple[Part, ...] = ()
    planned_from: tuple[str, ...] = ()


Message = PartProgress | FileDelivered | PartResult
"""What an executor sends."""

Send = Callable[[Message], None]
"""Takes a message to the controller, from any thread."""

_MESSAGES: Mapping[str, type[Message]] = {
    cls.__name__: cls for cls in (PartProgress, FileDelivered, PartResult)
}


def message_to_json(message: Message) -> Json:
    """A message as a JSON object; its key `message` says which one it is."""
    return {"message": type(message).__name__, **typed_json.serialise(message)}


def message_from_json(value: Json) -> Message:
    """What `message_to_json` returned. Raises KeyError or `typed_json.Mismatch`."""
    return typed_json.parse(_MESSAGES[value["message"]], value)


class Executor(Protocol):
    """Runs parts. Its methods return at once and are called by one thread only."""

    def start(self, request: PartRequest, send: Send) -> None:
        """Run a part on a slot of `request.part.resource`."""

    def cancel(self, request_id: str) -> None:
        """Stop a part soon; harmless when it has ended."""

    def close(self) -> None:
        """Wait for the running parts, which were stopped; start nothing more. The only method that may take a while."""
