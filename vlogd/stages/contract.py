"""The contract of a stage. Read this first if you want to add one.

A stage is one kind of work that is done for every video: `probe`, `hls`, `poster`, `captions`. It is a frozen
value: a name, a version, a settings class, the stages that it needs, and three functions. There is no base class
and nothing to register but one line in `pipeline.py`.

    parts(work)     The pieces that the work consists of, as far as they are known: a tuple of `Part`. It is a
                    pure function of the work and is called again after each finished part, so that later parts
                    may depend on the results of earlier ones (`work.facts("listen", ListenFacts)`). Part names
                    are unique and stable, because a part that has a receipt is never run again.
    run(part, ws)   Does one part. It sees nothing but its workspace: it reads `ws.film` and `ws.inputs`, writes
                    into `ws.scratch`, hands finished files over with `ws.deliver` and returns its results
                    as a frozen dataclass (see `facts.py`). Running a part again has to deliver the same bytes:
                    that is why a crash needs no special case anywhere.
    view(work,      What viewers may see at this moment: playlists, stable names, keys of `video.json`. Also
         have)      pure. `have` holds the names of the files that are complete, `work.complete` says whether
                    the whole step is. The view of a growing step is replaced by that of the finished one.

Everything else is the engine's: when a part runs and on which slots, retries, resuming after a crash, progress,
receipts, committing the artifact, `vlogd plan`, `vlogd why`, `vlogd status`.

What a stage may rely on
- Settings. Declare a class with `@settings` (`core/settings.py`); the engine hands its values to `work.settings`
  and `ws.settings`, typed. They belong to the recipe: changing a setting rebuilds the artifact.
- Inputs. `needs` names the stages that must be finished first, `uses` those whose artifacts are taken up when
  they are there. `ws.inputs["probe"]` is the folder of probe's artifact. A stage imports no other stage: what
  several of them read is parsed in `artifacts.py`.
- Items. A stage that makes no sense for some items says so in `applies(item)`. For those items the stage is
  left out, and stages that need it run without it.
- Privacy. The artifact of a `private` stage is read by other stages and is never in the public tree. Its view
  has no files and no names. Web servers give viewers only what `vlogd/site/public.py` lists.
- Errors. Raise the classes of `core/errors.py`: each is named after what happens next. A message is a sentence
  for the person who dropped the file. An OSError of a full or absent disk becomes `Unavailable`
  (`engine/executors/worker.py`); any other exception counts as a bug and parks the item.
- Loops. A loop of your own calls `ws.check_stop()` and `ws.report_progress()`; the functions of `vlogd.media.ffmpeg`
  and `process` check the `ws.stop` that they are given.
- Order. `Part.order` is 0 for what a video needs to become playable, 1 or more for everything else (`core/model.py`).

To add a stage, write `vlogd/stages/<name>.py` that ends in `STAGE = Stage(...)`, add it to the tuple in
`pipeline.py`, and describe its settings in `config.example.yaml`. `tests/unit/stages/test_stages_contract.py` has
small complete ones to copy, and `tests/stage_driver.py` runs a stage in a test. Raise `version` when the code would
produce different bytes from the same recipe: the artifact is then rebuilt for every video, and the earlier one stays
published until the new one is finished. If those of earlier versions are as good for viewers, `good_since` keeps them
current. Where only few artifacts differ, `is_outdated` names them instead.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from vlogd.core.model import Item, Json, Part, Receipt, View
from vlogd.core.settings import NoSettings
from vlogd.stages import facts
from vlogd.stages.facts import F, Facts
from vlogd.stages.workspace import Workspace

S = TypeVar("S")
"""The stage's settings class."""


@dataclass(frozen=True)
class Work(Generic[S]):
    """One step as its stage sees it: what it is made from and how far it has come.

    `folder` is the step's own folder in the library, `inputs` are the folders of the artifacts it is made from, by
    stage; `receipts` are those of its finished parts, by part.
    """

    item: Item
    folder: Path
    inputs: Mapping[str, Path]
    settings: S
    receipts: Mapping[str, Receipt] = field(default_factory=dict)
    complete: bool = False

    def facts(self, part: str, kind: type[F]) -> F:
        """The results of a finished part. Raises KeyError while the part has no receipt."""
        return facts.of_part(self.receipts, part, kind)


def no_view(work: Work[Any], have: Set[str]) -> View:  # noqa: ARG001 - the contract's signature
    """The view of a stage that only other stages read."""
    return View()


def always(item: Item) -> bool:  # noqa: ARG001 - the contract's signature
    """The `applies` of a stage that runs for every video."""
    return True


Outdated = Callable[[Path, Mapping[str, Path], Mapping[str, Json]], bool]
"""Whether an artifact is outdated: its folder, those of the artifacts that it was made from, and its settings as JSON."""


@dataclass(frozen=True)
class Stage(Generic[S]):
    """One kind of work; the module's docstring explains the functions.

    `needs` are the stages whose artifacts it is made from. `uses` are stages whose artifacts it takes up when they are
    there: it does not wait for them, and is rebuilt when they come or change. An `essential` stage has to be finished
    before the video counts as ready, and its failure is the video's. `effort` is its share of the work on a video
    relative to the other stages, by which progress bars are weighted. `public_since`: the version before which its
    artifacts say more than viewers should know. `good_since`: the earliest version whose artifacts are as good as those
    of today; they stay current, and what was begun under it is finished under it. None: only those of `version`.
    `is_outdated` tells of which artifacts more would be made of the same recipe by now; the parts that they lack have
    other names than those they have (`engine/outdated.py`).
    """

    name: str
    version: int
    parts: Callable[[Work[S]], Sequence[Part]]
    run: Callable[[Part, Workspace[S]], Facts]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    settings: type[S] = NoSettings  # type: ignore[assignment]  # then S is NoSettings, as its functions say
    view: Callable[[Work[S], Set[str]], View] = no_view
    essential: bool = True
    effort: float = 1.0
    applies: Callable[[Item], bool] = always
    private: bool = False
    public_since: int = 0
    good_since: int | None = None
    is_outdated: Outdated | None = None

    @property
    def good_versions(self) -> Sequence[int]:
        """The versions whose artifacts are current, the newest first."""
        earliest = self.version if self.good_since is None else self.good_since
        return range(self.version, earliest - 1, -1)

    @property
    def first_public_version(self) -> int | None:
        """Artifacts of earlier versions are kept out of the public tree; None: those of all versions are."""
        return None if self.private else self.public_since


def check(*stages: Stage[Any]) -> tuple[Stage[Any], ...]:
    """The stages as given. Raises ValueError when a name is used twice or a needed stage does not precede."""
    known: set[str] = set()
    for stage in stages:
        before = {*stage.needs, *stage.uses}
        if stage.name in known or not before <= known:
            raise ValueError(
                f"stage {stage.name!r}: its name is taken, or one of {sorted(before)} does not precede it"
            )
        known.add(stage.name)
    return stages
