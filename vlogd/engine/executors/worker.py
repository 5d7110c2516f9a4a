"""Performs one part: workspace, the stage's function, receipt, the parts that follow.

The receipt is written after the part's files are in place and synced. A crash before it means that the part is done
again, into the same names with the same bytes.
"""

import errno
import threading
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlogd.core import typed_json
from vlogd.core.cancellation import Either, Stop
from vlogd.core.errors import Stopping, Unavailable, VlogdError
from vlogd.core.model import File, Item, Receipt
from vlogd.engine.executors.contract import (
    FileDelivered,
    PartFailure,
    PartProgress,
    PartRequest,
    PartResult,
    Send,
    StepFolder,
)
from vlogd.engine.retry import BUG, kind_of
from vlogd.engine.survey import Step
from vlogd.media.process import Limits
from vlogd.stages import facts, source
from vlogd.stages.contract import Stage, Work
from vlogd.stages.workspace import Workspace
from vlogd.storage.library import Library
from vlogd.storage.originals import Originals
from vlogd.storage.volumes import Volumes

_OUTSIDE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV,
            errno.EACCES, errno.EPERM, errno.ETIMEDOUT, errno.EHOSTDOWN}  # fmt: skip
"""Errors of a volume, not of a file: wait for it (a full disk, a mount that went away, rights that are missing)."""


@dataclass(frozen=True)
class Environment:
    """What parts need from where they run: where things lie, what children may use, when to stop."""

    library: Library
    originals: Originals
    scratch: Path
    limits: Limits
    stop: Stop
    volumes: Volumes


def work_of(
    step: Step, library: Library, receipts: Mapping[str, Receipt], *, complete: bool = False
) -> Work[Any]:
    """The step as its stage sees it."""
    return Work(
        item=step.item,
        folder=library.step_folder(step.item, step.folder, private=step.stage.private),
        inputs={need: library.artifact_folder(step.item, artifact) for need, artifact in step.inputs.items()},
        settings=step.settings,
        receipts=receipts,
        complete=complete,
    )


def cache_of(step: Step, environment: Environment) -> Path:
    """Where the step's parts share files that can be recreated."""
    return _cache(environment, step.item, step.folder)


def caches_of(item: Item, environment: Environment) -> list[Path]:
    """All that is shared so by the parts of an item."""
    return list((environment.scratch / "steps").glob(f"{item.id}-*"))


def as_trouble(error: Exception, stop: Stop) -> Exception:
    """`error` by what happens next: a volume's trouble is Unavailable; while stopping, all is Stopping."""
    if stop.is_set() and isinstance(error, VlogdError):
        return Stopping(str(error))
    if isinstance(error, OSError) and error.errno in _OUTSIDE:
        where = f" ({error.filename})" if error.filename else ""
        return Unavailable(f"{error.strerror}{where}; vlogd waits and tries again.")
    return error


class PartWorker:
    """Performs parts, several at a time, each on a thread of its caller's."""

    def __init__(self, environment: Environment, stages: Sequence[Stage[Any]]) -> None:
        self._environment = environment
        self._stages = {stage.name: stage for stage in stages}
        self._overlaps = _Overlaps()

    def perform(self, request: PartRequest, send: Send, cancelled: Stop) -> PartResult:
        """Do one part. Never raises: whatever went wrong is in the result, which the caller sends."""
        began = time.monotonic()
        stop = Either(self._environment.stop, cancelled)
        self._overlaps.begin(request)
        receipt: Receipt | None = None
        try:
            stage = self._stages[request.stage]
            settings = typed_json.parse(stage.settings, request.settings)
            receipt = self._attempt(request, stage, settings, send, stop)
            known = self._overlaps.known(request, receipt)
            parts = tuple(stage.parts(self._work(request, settings, known)))
        except Exception as error:  # noqa: BLE001 - a bug in one stage parks one item, never the daemon
            failure = failure_of(as_trouble(error, stop))
            return PartResult(request.id, time.monotonic() - began, failure=failure)
        finally:
            self._overlaps.end(request)
        return PartResult(request.id, time.monotonic() - began, receipt, None, parts, tuple(sorted(known)))

    def _work(self, request: PartRequest, settings: Any, receipts: Mapping[str, Receipt]) -> Work[Any]:
        def path(folder: StepFolder) -> Path:
            library = self._environment.library
            return library.step_folder(request.item, folder.name, private=folder.private)

        inputs = {need: path(folder) for need, folder in request.inputs.items()}
        return Work(request.item, path(request.folder), inputs, settings, receipts)

    def _attempt(
        self, request: PartRequest, stage: Stage[Any], settings: Any, send: Send, stop: Stop
    ) -> Receipt:
        environment, part = self._environment, request.part
        environment.volumes.check()
        environment.volumes.check_room({"library": part.library_bytes, "state": part.state_bytes})
        workspace = self._workspace(request, settings, send, stop)
        try:
            part_facts = stage.run(part, workspace)
        finally:
            workspace.close()
        environment.volumes.check()
        receipt = Receipt(part.name, dict(workspace.delivered), facts.to_json(part_facts))
        environment.library.save_receipt(request.item, workspace.folder, receipt)
        return receipt

    def _workspace(self, request: PartRequest, settings: Any, send: Send, stop: Stop) -> Workspace[Any]:
        environment = self._environment
        work = self._work(request, settings, request.receipts)
        film = _film(environment, work)
        scratch = environment.scratch / "parts" / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        return Workspace(
            item=request.item,
            film=_plain_name(film, scratch),
            inputs=work.inputs,
            settings=settings,
            receipts=request.receipts,
            folder=work.folder,
            scratch=scratch,
            cache=_cache(environment, request.item, request.folder.name),
            limits=environment.limits,
            stop=stop,
            report_progress=lambda share: send(PartProgress(request.id, share)),
            report_delivered=lambda name: send(FileDelivered(request.id, name)),
            check_volumes=environment.volumes.check,
            described=environment.originals.media_facts(request.item),
        )


@dataclass
class _Overlap:
    """A step of which parts run here: how many, and the receipts of those that ended meanwhile."""

    running: int = 0
    receipts: dict[str, Receipt] = field(default_factory=dict)


class _Overlaps:
    """Shares receipts among the parts of one step that run at the same time.

    Without it, each of two parts that end together would plan without the other's receipt, and the part that needs both
    would wait for another look at the library. A step is forgotten when none of its parts runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[tuple[str, str], _Overlap] = {}

    def begin(self, request: PartRequest) -> None:
        """A part begins."""
        with self._lock:
            self._steps.setdefault((request.item.id, request.folder.name), _Overlap()).running += 1

    def known(self, request: PartRequest, receipt: Receipt) -> dict[str, Receipt]:
        """All receipts of the step that are known here, after the part ended with `receipt`."""
        with self._lock:
            overlap = self._steps[request.item.id, request.folder.name]
            overlap.receipts[receipt.part] = receipt
            return {**request.receipts, **overlap.receipts}

    def end(self, request: PartRequest) -> None:
        """A part ended, well or not."""
        key = (request.item.id, request.folder.name)
        with self._lock:
            self._steps[key].running -= 1
            if not self._steps[key].running:
                del self._steps[key]


def _cache(environment: Environment, item: Item, folder: str) -> Path:
    return environment.scratch / "steps" / f"{item.id}-{folder}"


def _film(environment: Environment, work: Work[Any]) -> Path | None:
    """The film of an item; None for the step that makes it."""
    if isinstance(work.item.source, File):
        return _original(environment, work.item)
    return source.film(work.inputs)


def _original(environment: Environment, item: Item) -> Path:
    original = environment.originals.find(item)
    if original is None:
        path = environment.originals.root / item.original
        raise Unavailable(f"The original {path} is not there; is its disk mounted?")
    return original


def _plain_name(film: Path | None, scratch: Path) -> Path:
    """The film under a name that no tool can stumble over: people's names need not even be text."""
    link = scratch / "original"
    if film is not None:
        link.symlink_to(film.resolve())
    return link


def failure_of(error: Exception) -> PartFailure:
    """An error as plain data."""
    kind = kind_of(error)
    sentence = str(error) or type(error).__name__
    if kind == BUG:
        sentence = f"vlogd hit an unexpected error ({type(error).__name__}: {error}); please report it."
    stderr = "\n".join(getattr(error, "stderr_tail", ()))
    text = "".join(traceback.format_exception(error)) if kind == BUG else ""
    return PartFailure(kind, sentence, stderr, text)
