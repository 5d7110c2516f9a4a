"""Performs one part on a worker thread: workspace, the stage's function, receipt.

The receipt is written after the part's files are in place and synced. A crash before it means the
part is done again, into the same names with the same bytes.
"""

import errno
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlogd.core.cancellation import Stop
from vlogd.core.errors import Stopping, Unavailable, VlogdError
from vlogd.core.model import Item, Part, Receipt
from vlogd.engine.survey import Step
from vlogd.media.process import Limits
from vlogd.stages import facts
from vlogd.stages.contract import Work
from vlogd.stages.workspace import Workspace
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

_OUTSIDE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV,
            errno.EACCES, errno.EPERM, errno.ETIMEDOUT, errno.EHOSTDOWN}  # fmt: skip
"""Errors of a volume, not of a file: wait for it (a full disk, a mount that went away, rights that are missing)."""


@dataclass(frozen=True)
class Environment:
    """What parts need from the daemon: where things lie, what children may use, when to stop."""

    library: Library
    originals: Originals
    scratch: Path
    limits: Limits
    stop: Stop
    volumes: Volumes


@dataclass(frozen=True)
class Done:
    """How an attempt at a part ended: with a receipt or an error. `seconds` is its wall time."""

    receipt: Receipt | None
    error: BaseException | None
    seconds: float


def work_of(
    step: Step, environment: Environment, receipts: Mapping[str, Receipt], *, complete: bool = False
) -> Work[Any]:
    """The step as its stage sees it."""
    library = environment.library
    return Work(
        item=step.item,
        folder=library.step_folder(step.item, step.folder, private=step.stage.private),
        inputs={need: library.artifact_folder(step.item, artifact) for need, artifact in step.inputs.items()},
        settings=step.settings,
        receipts=receipts,
        complete=complete,
    )


def cache_of(step: Step, environment: Environment) -> Path:
    """Where the step's parts share what can be made again."""
    return environment.scratch / "steps" / f"{step.item.id}-{step.folder}"


def caches_of(item: Item, environment: Environment) -> list[Path]:
    """All that is shared so by the parts of an item."""
    return list((environment.scratch / "steps").glob(f"{item.id}-*"))


def perform(
    step: Step,
    part: Part,
    receipts: Mapping[str, Receipt],
    environment: Environment,
    tell_progress: Callable[[float], None],
    tell_delivered: Callable[[str], None],
) -> Done:
    """Do one part. Never raises: whatever went wrong is in `Done.error`."""
    began = time.monotonic()
    receipt: Receipt | None = None
    trouble: BaseException | None = None
    try:
        receipt = _attempt(step, part, receipts, environment, tell_progress, tell_delivered)
    except Exception as error:  # noqa: BLE001 - a bug in one stage parks one item, never the daemon
        trouble = as_trouble(error, environment.stop)
    return Done(receipt, trouble, time.monotonic() - began)


def _plain_name(original: Path, scratch: Path) -> Path:
    """The original under a name that no tool can stumble over: people's names need not even be text."""
    link = scratch / "original"
    link.symlink_to(original.resolve())
    return link


def as_trouble(error: Exception, stop: Stop) -> Exception:
    """`error` by what happens next: a volume's trouble is Unavailable; while stopping, all is Stopping."""
    if stop.is_set() and isinstance(error, VlogdError):
        return Stopping(str(error))
    if isinstance(error, OSError) and error.errno in _OUTSIDE:
        where = f" ({error.filename})" if error.filename else ""
        return Unavailable(f"{error.strerror}{where}; vlogd waits and tries again.")
    return error


def _attempt(
    step: Step,
    part: Part,
    receipts: Mapping[str, Receipt],
    environment: Environment,
    tell_progress: Callable[[float], None],
    tell_delivered: Callable[[str], None],
) -> Receipt:
    environment.volumes.check()
    environment.volumes.check_room({"library": part.library_bytes, "state": part.state_bytes})
    original = environment.originals.find(step.item)
    if original is None:
        raise Unavailable(
            f"The original {environment.originals.root / step.item.original} is not there; is its disk mounted?"
        )
    work = work_of(step, environment, receipts)
    scratch = environment.scratch / "parts" / uuid.uuid4().hex
    scratch.mkdir(parents=True)
    workspace = Workspace(
        item=step.item,
        film=_plain_name(original, scratch),
        inputs=work.inputs,
        settings=step.settings,
        receipts=receipts,
        folder=work.folder,
        scratch=scratch,
        cache=cache_of(step, environment),
        limits=environment.limits,
        stop=environment.stop,
        report_progress=tell_progress,
        report_delivered=tell_delivered,
        check_volumes=environment.volumes.check,
    )
    try:
        found = step.stage.run(part, workspace)
    finally:
        workspace.close()
    environment.volumes.check()
    receipt = Receipt(part.name, dict(workspace.delivered), facts.to_json(found))
    environment.library.save_receipt(step.item, work.folder, receipt)
    return receipt
