"""The contract of a stage. Read this first if you want to add one.

A stage is a kind of work: probe, hls, poster, captions. It is a frozen value made of a name, a
version, the stages it needs or uses, a settings class and three functions. There is no base class.

    parts(work)      -> the parts that are known so far, in order. A pure function of the work:
                        called again whenever a part is finished, so a later part may depend on
                        what an earlier one found out (`work.receipts["listen"].facts`).
                        Keep names unique and stable: a part whose receipt exists is done.
    run(part, ws)    -> do one part. Touch nothing but the workspace: read `ws.original` and
                        `ws.inputs`, write into `ws.scratch`, hand over finished files with
                        `ws.deliver`. Return facts (JSON). The same part with the same recipe must
                        deliver the same bytes: then a crash needs no special case anywhere.
    view(work, have) -> what viewers may see now: playlists, stable names, keys of video.json.
                        `have` are the names of the files that are whole in the step's folder;
                        `work.complete` says whether the step is finished. Also pure. The files of
                        an unfinished view are replaced by those of the finished one: same names.

Errors are raised as the classes of `errors.py`. The engine does the rest: when to run what, retry,
resume, progress, receipts, `artifact.json`, stable names, `vlogd plan`, `why` and `status`.

To add a stage: write `vlogd/stages/<name>.py` ending in `STAGE = Stage(...)`, add it to the tuple in
`vlogd/stages/__init__.py`, and describe its settings in `config.example.yaml`. Raise `version` when
the code would make different bytes from the same settings: every item is then made anew, and the
earlier artifact stays on the air until its successor is finished.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlogd.core.model import Item, Json, Part, Receipt, View
from vlogd.core.settings import NoSettings
from vlogd.stages.workspace import Workspace


@dataclass(frozen=True)
class Work:
    """A step as its stage sees it: what it is made from and how far it is.

    `folder` is the step's folder in the library, `inputs` those of the stages it needs or uses (complete
    artifacts), `receipts` the finished parts by name.
    """

    item: Item
    folder: Path
    inputs: Mapping[str, Path]
    settings: Any
    receipts: Mapping[str, Receipt] = field(default_factory=dict)
    complete: bool = False


def no_view(work: Work, have: Set[str]) -> View:  # noqa: ARG001 - the contract's signature
    """For a stage that only other stages read."""
    return View()


@dataclass(frozen=True)
class Stage:
    """A kind of work.

    `needs`: stages whose artifacts it is made from. `uses`: stages whose artifacts it takes up when they are
    there; it does not wait for them, and is made anew when they come or change. `essential`: the video is not ready, or has failed, without it. `effort` is the stage's share
    of an item's work, relative to the other stages; progress bars are weighted by it.
    """

    name: str
    version: int
    parts: Callable[[Work], Sequence[Part]]
    run: Callable[[Part, Workspace], Mapping[str, Json]]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    settings: type[Any] = NoSettings
    view: Callable[[Work, Set[str]], View] = no_view
    essential: bool = True
    effort: float = 1.0


def check(*stages: Stage) -> tuple[Stage, ...]:
    """The stages as given. Raises ValueError when a name is used twice or a need does not precede."""
    known: set[str] = set()
    for stage in stages:
        before = {*stage.needs, *stage.uses}
        if stage.name in known or not before <= known:
            raise ValueError(
                f"stage {stage.name!r}: its name is taken, or one of {before} does not precede it"
            )
        known.add(stage.name)
    return stages
